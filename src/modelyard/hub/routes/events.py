"""The audit trail, and the same as it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import orjson
from fastapi import Header, Query
from fastapi.responses import StreamingResponse

from modelyard.base.clock import from_rfc3339
from modelyard.base.errors import InvalidInput
from modelyard.hub.asked import HouseOf, YardOf
from modelyard.hub.house import House
from modelyard.hub.paging import Limit, Token, page_of, read_token
from modelyard.hub.routing import Router, needs
from modelyard.hub.shapes import Event, Page
from modelyard.hub.tracking_shapes import LATEST, moment
from modelyard.registry.trail import EventQuery
from modelyard.yard.audit import audit_row

router = Router("events")

Word = Annotated[str | None, Query(max_length=1100)]


@router.get("/events", **needs("event.read"))
def list_events(
    yard: YardOf,
    subject: Annotated[str | None, Query(max_length=1100, examples=["model:churn"])] = None,
    kind: Annotated[str | None, Query(max_length=64, examples=["stage.assigned"])] = None,
    actor: Word = None,
    request_id: Word = None,
    since: Annotated[str | None, Query(max_length=40, description="RFC 3339.")] = None,
    until: Annotated[
        str | None, Query(max_length=40, description="RFC 3339; not included.")
    ] = None,
    limit: Limit = 100,
    page: Token = None,
) -> Page[Event]:
    """The audit trail, newest first."""
    place = read_token(page, "events", [int])
    query = EventQuery(
        subject=subject,
        kind=kind,
        actor=actor,
        request_id=request_id,
        since_ms=from_rfc3339(since) if since else None,
        until_ms=from_rfc3339(until) if until else None,
        before=place[0] if place else None,
        newest_first=True,
        limit=limit + 1,
    )
    return page_of(yard.audit.page(query), limit, "events", lambda row: [row["seq"]])  # type: ignore[return-value]


@router.get(
    "/events/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
    **needs("event.read"),
)
async def stream(
    house: HouseOf,
    last_event_id: Annotated[
        str | None, Header(max_length=20, description="Go on after this one.")
    ] = None,
    experiment: Annotated[
        list[Annotated[int, Query(ge=0, le=LATEST)]] | None,
        Query(max_length=20, description="Tell of changed runs of these, too."),
    ] = None,
) -> StreamingResponse:
    """What happens, as it happens.

    Server-sent events: `event` is the kind, `data` an event as in `/events`, `id` where to go on.

    Each is told at least once: after a lost connection some may come twice, with the same `seq`. With `experiment`,
    `run.changed` tells of runs that began, ended or logged something.
    """
    after = None
    if last_event_id is not None:
        if not last_event_id.isdecimal() or len(last_event_id) > 18:
            raise InvalidInput("Last-Event-ID is not an id of this stream")
        after = int(last_event_id)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(
        _told(house, after, experiment or []), headers=headers, media_type="text/event-stream"
    )


async def _told(house: House, after: int | None, experiments: list[int]) -> AsyncIterator[bytes]:
    yield b"retry: 2000\n\n"
    async for batch in house.feed.listen(after, experiments):
        if batch is None:
            yield b": still here\n\n"
            continue
        for event in batch.events:
            # The id only says what is settled: a lower number may still come, from a slower transaction.
            number = min(batch.settled, event.seq)
            data = orjson.dumps(audit_row(event))
            yield b"id: %d\nevent: %b\ndata: %b\n\n" % (number, event.kind.encode(), data)
        for run in batch.runs:
            facts = {
                "run_id": run.run_id,
                "experiment_id": run.experiment_id,
                "status": run.status,
                "deleted": run.deleted,
                "changed_at": moment(run.changed_ms),
            }
            yield b"event: run.changed\ndata: %b\n\n" % orjson.dumps(facts)
