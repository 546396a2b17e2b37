"""Models that runs logged, registered or not."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Path, Response

from modelyard.hub.asked import YardOf
from modelyard.hub.logged_model_shapes import LoggedModel, LoggedModelChanges, NewLoggedModel
from modelyard.hub.routing import Router, needs
from modelyard.hub.shapes import Page
from modelyard.hub.tracking_shapes import Question

router = Router("logged models")

Id = Annotated[str, Path(pattern="^m-[0-9a-f]{32}$", description="m- and 32 hex digits.")]


@router.post("/logged-models", status_code=201, **needs("run.write"))
def create_logged_model(yard: YardOf, new: Annotated[NewLoggedModel, Body()]) -> LoggedModel:
    """Begin a logged model."""
    made = yard.tracker.create_model(
        new.experiment_id,
        name=new.name,
        type=new.type,
        run_id=new.run_id,
        params=new.params,
        tags=new.tags,
    )
    return LoggedModel.of(made)


@router.post("/logged-models/search", **needs("run.read"))
def search_logged_models(yard: YardOf, question: Annotated[Question, Body()]) -> Page[LoggedModel]:
    """Search logged models."""
    found = yard.tracker.search_models(question.search())
    return Page(items=[LoggedModel.of(one) for one in found.items], next=found.next)


@router.get("/logged-models/{id}", **needs("run.read"))
def get_logged_model(id: Id, yard: YardOf) -> LoggedModel:
    """Show a logged model."""
    return LoggedModel.of(yard.tracker.model(id))


@router.patch("/logged-models/{id}", **needs("run.write"))
def change_logged_model(
    id: Id, yard: YardOf, changes: Annotated[LoggedModelChanges, Body()]
) -> LoggedModel:
    """Change a logged model."""
    changed = yard.tracker.update_model(
        id, status=changes.status, params=changes.params, tags=changes.tags
    )
    return LoggedModel.of(changed)


@router.delete("/logged-models/{id}", status_code=204, **needs("run.delete"))
def delete_logged_model(id: Id, yard: YardOf) -> Response:
    """Delete a logged model."""
    yard.tracker.delete_model(id)
    return Response(status_code=204)
