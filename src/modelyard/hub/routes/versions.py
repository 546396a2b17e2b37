"""Versions of models: registered, described, downloaded."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from modelyard.base.errors import InvalidInput
from modelyard.base.paths import safe_segments
from modelyard.base.refs import NameRef
from modelyard.hub.asked import YardOf
from modelyard.hub.files import file_response
from modelyard.hub.incoming import BATCH_BYTES
from modelyard.hub.paging import Limit, Token, page_of, read_token
from modelyard.hub.routing import Router, needs, principal_of
from modelyard.hub.shapes import (
    FileEntry,
    Lineage,
    Model,
    NewVersion,
    Page,
    Version,
    VersionChanges,
    VersionWithCard,
    Why,
)
from modelyard.registry import queries
from modelyard.yard import catalog
from modelyard.yard.naming import named_ref
from modelyard.yard.yard import Yard

router = Router("versions")

Which = Annotated[
    str,
    Path(
        description="A number, a SemVer, `latest`, `@alias` or `#stage` (as `%23stage`).",
        examples=["3"],
    ),
]


@router.get("/models/{name}/versions", **needs("model.read", named=True))
def list_versions(name: str, yard: YardOf, limit: Limit = 100, page: Token = None) -> Page[Version]:
    """List versions, newest first."""
    place = read_token(page, "versions", [int])
    rows = catalog.version_page(yard, name, place[0] if place else None, limit + 1)
    return page_of(rows, limit, "versions", lambda row: [row["version"]])  # type: ignore[return-value]


@router.post(
    "/models/{name}/versions", status_code=201, **needs("model.write", named=True, body=BATCH_BYTES)
)
def register_version(
    request: Request, name: str, yard: YardOf, new: Annotated[NewVersion, Body()]
) -> VersionWithCard:
    """Register a version.

    Of uploaded files (`card`), or of what another version is (`source`). Equal content is the version it was already.
    """
    if (new.card is None) == (new.source is None):
        raise InvalidInput("a version is registered from its card, or from a source", field="card")
    if new.source is not None:
        principal_of(request).require_name(named_ref(new.source).name)
    registered = _registered(yard, name, new)
    return catalog.version_info(yard, name, registered.record.label)  # type: ignore[return-value]


def _registered(yard: Yard, name: str, new: NewVersion) -> Any:
    told = {
        "description": new.description,
        "semver": new.semver,
        "bump": new.bump,
        "comment": new.comment,
    }
    given = {"target": new.target, "run": new.run, "dataset": new.dataset}
    if new.card is not None:
        return catalog.register_uploaded(yard, name, new.card, **given, **told)
    return catalog.copy_version(
        yard, str(new.source), name, **{k: v for k, v in given.items() if v is not None}, **told
    )


@router.get("/models/{name}/versions/{version}", **needs("model.read", named=True))
def get_version(name: str, version: Which, yard: YardOf) -> VersionWithCard:
    """Show a version."""
    return catalog.version_info(yard, name, version)  # type: ignore[return-value]


@router.patch("/models/{name}/versions/{version}", **needs("model.write", named=True))
def change_version(
    name: str, version: Which, yard: YardOf, changes: Annotated[VersionChanges, Body()]
) -> VersionWithCard:
    """Change a version's description, tags and metrics."""
    told = changes.model_dump()
    return catalog.describe_version(yard, name, version, **told)  # type: ignore[return-value]


@router.get("/models/{name}/versions/{version}/lineage", **needs("model.read", named=True))
def version_lineage(name: str, version: Which, yard: YardOf) -> Lineage:
    """Show where a version comes from and where it went."""
    _, found = catalog.find_version(yard, name, version)
    return yard.models.lineage(NameRef(name, queries.exactly(found)))  # type: ignore[return-value]


@router.post("/models/{name}/versions/{version}/deregister", **needs("model.write", named=True))
def deregister(
    name: str, version: Which, yard: YardOf, why: Annotated[Why | None, Body()] = None
) -> Model:
    """Take a version out of use, with its record kept; registering its content brings it back."""
    found = catalog.known_version(yard, name, version)
    yard.models.deregister(name, found.label, why.comment if why else "")
    return catalog.model_info(yard, name)  # type: ignore[return-value]


@router.delete(
    "/models/{name}/versions/{version}", status_code=204, **needs("model.delete", named=True)
)
def delete_version(
    name: str, version: Which, yard: YardOf, comment: Annotated[str, Query(max_length=10_000)] = ""
) -> Response:
    """Delete a version for good."""
    _, found = catalog.find_version(yard, name, version)
    yard.models.delete(name, found.label, comment)
    return Response(status_code=204)


@router.get("/models/{name}/versions/{version}/files", **needs("model.read", named=True))
def list_files(name: str, version: Which, yard: YardOf) -> Page[FileEntry]:
    """List a version's files."""
    return {"items": catalog.version_files(yard, name, version), "next": None}  # type: ignore[return-value]


@router.get(
    "/models/{name}/versions/{version}/files/{path:path}",
    response_class=StreamingResponse,
    **needs("model.download", named=True),
)
def download_file(name: str, version: Which, path: str, yard: YardOf) -> Response:
    """Download a file of a version.

    Its bytes, verified on the way: of a file that is damaged the connection breaks before its end.
    """
    safe_segments(path)
    stream, size, sha256 = catalog.open_version_file(yard, name, version, path)
    return file_response(stream, path, size, sha256)
