"""Logged predictions, and what turned out to be true."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Query, Request

from modelyard.base.clock import from_rfc3339, now_ms
from modelyard.hub.asked import YardOf
from modelyard.hub.incoming import BATCH_BYTES
from modelyard.hub.paging import Limit, Token, page_of, read_token
from modelyard.hub.routing import Router, needs, principal_of
from modelyard.hub.shapes import Count, Feedback, NewPrediction, NewPredictions, Page, Prediction
from modelyard.predictions.interface import Prediction as Kept

router = Router("predictions")

Model = Annotated[str | None, Query(max_length=600, description="A name, or name@version.")]
Since = Annotated[str | None, Query(max_length=40, description="RFC 3339.")]
Until = Annotated[str | None, Query(max_length=40, description="RFC 3339; not included.")]
ReferenceId = Annotated[str | None, Query(max_length=2048)]
RequestId = Annotated[str | None, Query(max_length=200)]


@router.get("/predictions", **needs("prediction.read"))
def list_predictions(
    yard: YardOf,
    model: Model = None,
    since: Since = None,
    until: Until = None,
    reference_id: ReferenceId = None,
    request_id: RequestId = None,
    limit: Limit = 100,
    page: Token = None,
) -> Page[Prediction]:
    """List logged predictions, newest first."""
    place = read_token(page, "predictions", [int])
    rows = yard.predictions.list(
        model=model,
        since=since,
        until=until,
        reference_id=reference_id,
        request_id=request_id,
        before_id=place[0] if place else None,
        limit=limit + 1,
        records=True,
    )
    assert isinstance(rows, list), "records=True"
    return page_of(rows, limit, "predictions", lambda row: [row["id"]])  # type: ignore[return-value]


@router.get("/predictions/count", **needs("prediction.read"))
def count_predictions(
    yard: YardOf,
    model: Model = None,
    since: Since = None,
    until: Until = None,
    reference_id: ReferenceId = None,
    request_id: RequestId = None,
) -> Count:
    """Count what a listing with the same conditions would show in all."""
    found = yard.predictions.count(
        model=model, since=since, until=until, reference_id=reference_id, request_id=request_id
    )
    return Count(count=found)


@router.post("/predictions", status_code=201, **needs("prediction.write", body=BATCH_BYTES))
def record(request: Request, yard: YardOf, new: Annotated[NewPredictions, Body()]) -> Count:
    """Keep what models were asked and answered elsewhere."""
    who = principal_of(request).actor
    yard.predictions.log.record([_prediction(one, who) for one in new.items])
    return Count(count=len(new.items))


def _prediction(new: NewPrediction, caller: str) -> Kept:
    told = new.model_dump(exclude={"at"})
    return Kept(at_ms=from_rfc3339(new.at) if new.at else now_ms(), caller=caller, **told)


@router.post("/predictions/feedback", **needs("prediction.write"))
def feedback(yard: YardOf, told: Annotated[Feedback, Body()]) -> Count:
    """Tell what turned out to be true.

    The answer says how many predictions had that reference.
    """
    return Count(count=yard.predictions.feedback(told.reference_id, told.actual))
