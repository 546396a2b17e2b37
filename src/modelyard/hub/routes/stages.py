"""Stages and aliases: which version is used for what."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Query, Response

from modelyard.hub.asked import YardOf
from modelyard.hub.routing import Router, needs
from modelyard.hub.shapes import AliasChange, Model, StageChange, Told, VersionWithCard, Why
from modelyard.yard import catalog

router = Router("stages and aliases")


class Held(Told):
    """Which version a stage holds, since when and by whom."""

    name: str
    version: int | str
    stage: str
    since: str
    by: str
    commit: str | None
    digest: str | None


@router.put("/models/{name}/stages/{stage:path}", **needs("stage.write", named=True))
def promote(
    name: str, stage: str, yard: YardOf, change: Annotated[StageChange, Body()]
) -> VersionWithCard:
    """Promote a version to a stage."""
    found = yard.models.promote(name, stage, change.version, change.comment)
    return catalog.version_info(yard, name, found.record.label)  # type: ignore[return-value]


@router.delete("/models/{name}/stages/{stage:path}", **needs("stage.write", named=True))
def demote(
    name: str,
    stage: str,
    yard: YardOf,
    version: Annotated[str | None, Query(max_length=256)] = None,
    comment: Annotated[str, Query(max_length=10_000)] = "",
) -> Model:
    """Empty a stage, or take one version out of it."""
    yard.models.demote(name, stage, version, comment)
    return catalog.model_info(yard, name)  # type: ignore[return-value]


@router.get("/models/{name}/stages/{stage:path}", **needs("model.read", named=True))
def which(
    name: str,
    stage: str,
    yard: YardOf,
    at: Annotated[str | None, Query(max_length=40, examples=["2026-11-20T12:00:00Z"])] = None,
) -> Held:
    """Which version a stage holds, now or at a time."""
    return yard.models.which(name, stage, at=at)  # type: ignore[return-value]


@router.post("/models/{name}/rollback/{stage:path}", **needs("stage.write", named=True))
def rollback(
    name: str, stage: str, yard: YardOf, why: Annotated[Why | None, Body()] = None
) -> VersionWithCard:
    """Give a stage back to the version before."""
    found = yard.models.rollback(name, stage, why.comment if why else "")
    return catalog.version_info(yard, name, found.record.label)  # type: ignore[return-value]


@router.put("/models/{name}/aliases/{alias}", **needs("alias.write", named=True))
def set_alias(name: str, alias: str, yard: YardOf, change: Annotated[AliasChange, Body()]) -> Model:
    """Point an alias at a version."""
    yard.models.set_alias(name, alias, change.version)
    return catalog.model_info(yard, name)  # type: ignore[return-value]


@router.delete(
    "/models/{name}/aliases/{alias}", status_code=204, **needs("alias.write", named=True)
)
def remove_alias(name: str, alias: str, yard: YardOf) -> Response:
    """Remove an alias."""
    yard.models.remove_alias(name, alias)
    return Response(status_code=204)
