"""Registered models."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Query, Request, Response

from modelyard.hub.asked import YardOf, visible_page
from modelyard.hub.paging import Limit, Token, page_of, read_token
from modelyard.hub.routing import Router, needs, principal_of
from modelyard.hub.shapes import Changes, Event, Model, NewComment, NewModel, Page, Renaming, Why
from modelyard.registry.trail import EventQuery
from modelyard.yard import catalog

router = Router("models")


@router.get("/models", **needs("model.read", scoped=True))
def list_models(
    request: Request, yard: YardOf, limit: Limit = 100, page: Token = None
) -> Page[Model]:
    """List models by name."""
    place = read_token(page, "models", [str])
    after = place[0] if place else ""

    def more(after: str, count: int) -> Any:
        return catalog.model_page(yard, after, count)

    rows = visible_page(principal_of(request), more, after, limit, lambda row: row["name"])
    return page_of(rows, limit, "models", lambda row: [row["name"]])  # type: ignore[return-value]  # FastAPI makes it one


@router.post("/models", status_code=201, **needs("model.write", scoped=True))
def create_model(request: Request, yard: YardOf, new: Annotated[NewModel, Body()]) -> Model:
    """Make a model without versions."""
    principal_of(request).require_name(new.name)
    return catalog.create_model(yard, new.name, new.description, new.tags)  # type: ignore[return-value]


@router.get("/models/{name}", **needs("model.read", named=True))
def get_model(name: str, yard: YardOf) -> Model:
    """Show a model."""
    return catalog.model_info(yard, name)  # type: ignore[return-value]


@router.patch("/models/{name}", **needs("model.write", named=True))
def change_model(name: str, yard: YardOf, changes: Annotated[Changes, Body()]) -> Model:
    """Change a model's description and tags."""
    return catalog.describe_model(yard, name, description=changes.description, tags=changes.tags)  # type: ignore[return-value]


@router.post("/models/{name}/rename", **needs("model.write", named=True))
def rename_model(
    request: Request, name: str, yard: YardOf, new: Annotated[Renaming, Body()]
) -> Model:
    """Rename a model."""
    principal_of(request).require_name(new.name)
    yard.models.rename(name, new.name)
    return catalog.model_info(yard, new.name)  # type: ignore[return-value]


@router.post("/models/{name}/comments", status_code=204, **needs("model.write", named=True))
def comment(name: str, yard: YardOf, new: Annotated[NewComment, Body()]) -> Response:
    """Say something about a model, or about one of its versions."""
    yard.models.comment(name, new.text, new.version)
    return Response(status_code=204)


@router.post("/models/{name}/deprecate", **needs("model.write", named=True))
def deprecate(name: str, yard: YardOf, why: Annotated[Why | None, Body()] = None) -> Model:
    """Mark a model as not to be used any more."""
    yard.models.deprecate(name, why.comment if why else "")
    return catalog.model_info(yard, name)  # type: ignore[return-value]


@router.delete("/models/{name}", status_code=204, **needs("model.delete", named=True))
def delete_model(
    name: str, yard: YardOf, comment: Annotated[str, Query(max_length=10_000)] = ""
) -> Response:
    """Delete a model with all its versions."""
    yard.models.delete(name, comment=comment)
    return Response(status_code=204)


@router.get("/models/{name}/events", **needs("model.read", named=True))
def model_events(name: str, yard: YardOf, limit: Limit = 100, page: Token = None) -> Page[Event]:
    """What happened to a model, newest first."""
    place = read_token(page, "model-events", [int])
    query = EventQuery(
        model=name, before=place[0] if place else None, newest_first=True, limit=limit + 1
    )
    rows = yard.audit.page(query)
    if not rows:
        yard.models.state(name)
    return page_of(rows, limit, "model-events", lambda row: [row["seq"]])  # type: ignore[return-value]
