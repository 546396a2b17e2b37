"""Runs: begun, logged to, searched, deleted and restored."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Header, Path, Query, Request, Response

from modelyard.hub.asked import YardOf
from modelyard.hub.incoming import INPUT_BYTES
from modelyard.hub.paging import Limit, Token
from modelyard.hub.record_shapes import Alive
from modelyard.hub.routing import Router, needs, principal_of
from modelyard.hub.shapes import Count, Page
from modelyard.hub.tracking_shapes import (
    LATEST,
    Moving,
    NewBatch,
    NewRun,
    Question,
    Retention,
    Run,
    RunChanges,
    SomeRuns,
    Tagging,
    milliseconds,
)
from modelyard.tracking.interface import Search, View

router = Router("runs")

Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="32 hex digits.")]
Once = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=160,
        description="A request that is sent again under its key, because the answer was lost, is not done again.",
    ),
]


def once_of(request: Request, key: str | None) -> str | None:
    """The key as it is kept: of this user and this route, so that nobody gets another's answer."""
    if key is None:
        return None
    import hashlib

    owner = f"{principal_of(request).actor}\n{request.method} {request.url.path}\n{key}"
    return f"rest:{hashlib.sha256(owner.encode('utf-8', 'surrogatepass')).hexdigest()}"


@router.get("/runs", **needs("run.read"))
def list_runs(
    yard: YardOf,
    experiment: Annotated[
        list[Annotated[int, Query(ge=0, le=LATEST)]] | None, Query(max_length=100)
    ] = None,
    view: Annotated[View, Query()] = View.ACTIVE,
    limit: Limit = 100,
    page: Token = None,
) -> Page[Run]:
    """List runs, newest first."""
    return _page(yard, Search(experiments=experiment, view=view, limit=limit, page=page))


@router.post("/runs/search", **needs("run.read"))
def search_runs(yard: YardOf, question: Annotated[Question, Body()]) -> Page[Run]:
    """Search runs.

    `next` goes into `page` of the same question.
    """
    return _page(yard, question.search())


def _page(yard: YardOf, search: Search) -> Page[Run]:
    found = yard.tracker.search(search)
    return Page(items=[Run.of(one) for one in found.items], next=found.next)


@router.post("/runs", status_code=201, **needs("run.write"))
def create_run(
    request: Request, yard: YardOf, new: Annotated[NewRun, Body()], key: Once = None
) -> Run:
    """Begin a run."""
    begun = yard.tracker.create_run(
        new.experiment_id,
        run_id=new.run_id,
        name=new.name,
        user=new.user or principal_of(request).actor,
        started_ms=milliseconds(new.started_at),
        tags=new.tags,
        parent_run_id=new.parent_run_id,
        once=once_of(request, key),
    )
    return Run.of(begun)


@router.post("/runs/delete", status_code=204, **needs("run.delete"))
def delete_runs(yard: YardOf, some: Annotated[SomeRuns, Body()]) -> Response:
    """Delete runs; they can be restored."""
    yard.tracker.delete_runs(some.run_ids)
    return Response(status_code=204)


@router.post("/runs/restore", status_code=204, **needs("run.delete"))
def restore_runs(yard: YardOf, some: Annotated[SomeRuns, Body()]) -> Response:
    """Restore deleted runs."""
    yard.tracker.restore_runs(some.run_ids)
    return Response(status_code=204)


@router.post("/runs/purge", status_code=204, **needs("run.purge"))
def purge_runs(yard: YardOf, some: Annotated[SomeRuns, Body()]) -> Response:
    """Remove deleted runs for good."""
    yard.tracker.purge_runs(some.run_ids)
    return Response(status_code=204)


@router.post("/runs/move", status_code=204, **needs("run.write"))
def move_runs(yard: YardOf, moving: Annotated[Moving, Body()]) -> Response:
    """Move runs to another experiment."""
    yard.tracker.move_runs(moving.run_ids, moving.experiment_id)
    return Response(status_code=204)


@router.post("/runs/tag", status_code=204, **needs("run.write"))
def tag_runs(yard: YardOf, tagging: Annotated[Tagging, Body()]) -> Response:
    """Set and remove tags of runs, of all or of none."""
    yard.tracker.tag_runs(tagging.run_ids, tagging.tags)
    return Response(status_code=204)


@router.post("/runs/beat", status_code=204, **needs("run.write"))
def beat(yard: YardOf, alive: Annotated[Alive, Body()]) -> Response:
    """Say that runs are alive.

    One that is silent for twice as long as it said is LOST, until it is heard of again.
    """
    yard.tracker.beat(alive.run_ids, alive.seconds)
    return Response(status_code=204)


@router.post("/runs/purge-deleted", **needs("run.purge"))
def purge_deleted(yard: YardOf, old: Annotated[Retention, Body()]) -> Count:
    """Remove for good what was deleted before a moment: runs, logged models, then empty experiments."""
    return Count(count=yard.tracker.purge_deleted(milliseconds(old.before) or 0))


@router.get("/runs/{id}", **needs("run.read"))
def get_run(id: Id, yard: YardOf) -> Run:
    """Show a run."""
    return Run.of(yard.tracker.run(id))


@router.patch("/runs/{id}", **needs("run.write"))
def change_run(id: Id, yard: YardOf, changes: Annotated[RunChanges, Body()]) -> Run:
    """Change a run's status, end and name."""
    changed = yard.tracker.update_run(
        id,
        status=changes.status_word(),
        ended_ms=milliseconds(changes.ended_at),
        name=changes.name,
    )
    return Run.of(changed)


@router.post("/runs/{id}/batch", status_code=204, **needs("run.write", body=INPUT_BYTES))
def log_batch(
    request: Request, id: Id, yard: YardOf, new: Annotated[NewBatch, Body()], key: Once = None
) -> Response:
    """Log metrics, params, tags, inputs and models.

    All in one transaction, or nothing. A param that has another value already is a conflict.
    """
    yard.tracker.write(id, new.batch(), once=once_of(request, key))
    return Response(status_code=204)


@router.post("/runs/{id}/copy", status_code=201, **needs("run.write"))
def copy_run(id: Id, yard: YardOf, experiment_id: Annotated[int, Query(ge=0, le=LATEST)]) -> Run:
    """Copy a run to an experiment."""
    return Run.of(yard.tracker.copy_run(id, experiment_id))
