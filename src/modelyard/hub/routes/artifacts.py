"""Files of runs and logged models, by owner and path.

An owner is ``run:<id>`` or ``model:m-<id>``. A file appears whole and verified, or not at all.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any

from fastapi import Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from modelyard.base.errors import FileMissing
from modelyard.hub.asked import YardOf
from modelyard.hub.files import file_response
from modelyard.hub.paging import Limit, Token, read_token, write_token
from modelyard.hub.routing import Router, needs
from modelyard.hub.shapes import Count, Page, Told
from modelyard.hub.uploads import read_in_thread, told_length
from modelyard.stores.overlay import Entry
from modelyard.yard.owners import require_owner

router = Router("artifacts")

Owner = Annotated[
    str,
    Path(
        pattern="^(run:[0-9a-f]{32}|model:m-[0-9a-f]{32})$",
        description="`run:<id>` or `model:m-<id>`.",
    ),
]
BYTES = {
    "required": True,
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}


class Artifact(Told):
    """A file, or a folder with the sums of what is in it."""

    path: str
    name: str
    is_folder: bool
    size: int
    sha256: str | None

    @classmethod
    def of(cls, entry: Entry) -> Artifact:
        """As it is told."""
        return cls(
            path=entry.path,
            name=entry.name,
            is_folder=entry.is_folder,
            size=entry.size,
            sha256=entry.sha256,
        )


def takes_bytes(permission: str) -> dict[str, Any]:
    """What a route declares whose body is a file: any length, and never held in memory."""
    extra = needs(permission, body=None)["openapi_extra"]
    return {"openapi_extra": {**extra, "requestBody": BYTES}}


@router.get("/artifacts/{owner}", **needs("artifact.read"))
def list_artifacts(
    owner: Owner,
    yard: YardOf,
    folder: Annotated[str, Query(max_length=1024)] = "",
    limit: Limit = 100,
    page: Token = None,
) -> Page[Artifact]:
    """List a folder of files."""
    require_owner(yard, owner)
    place = read_token(page, "artifacts", [str])
    found = yard.artifacts.list(owner, folder, after=place[0] if place else None, limit=limit)
    following = write_token("artifacts", [found.after]) if found.after is not None else None
    return Page(items=[Artifact.of(entry) for entry in found.entries], next=following)


@router.get(
    "/artifacts/{owner}/{path:path}", response_class=StreamingResponse, **needs("artifact.read")
)
def get_artifact(owner: Owner, path: str, yard: YardOf) -> Response:
    """Download a file.

    Its bytes, verified on the way: of a file that is damaged the connection breaks before its end.
    """
    require_owner(yard, owner)
    entry = yard.artifacts.file(owner, path)
    if entry.sha256 is None:
        raise FileMissing(f"{owner} has a folder, not a file, at {path!r}")
    stream = yard.stores.open(entry.sha256, entry.size)
    return file_response(stream, entry.path, entry.size, entry.sha256)


@router.put(
    "/artifacts/{owner}/{path:path}",
    status_code=201,
    response_model=Artifact,
    **takes_bytes("artifact.write"),
)
async def put_artifact(
    owner: Owner,
    path: str,
    request: Request,
    yard: YardOf,
    sha256: Annotated[
        str | None,
        Header(
            alias="X-Content-SHA256",
            pattern="^[0-9a-f]{64}$",
            description="What its bytes must be.",
        ),
    ] = None,
) -> Response:
    """Upload a file."""
    await asyncio.to_thread(require_owner, yard, owner)
    put = partial(yard.artifacts.put, owner, path, size=told_length(request), expect=sha256)
    entry = await read_in_thread(request, put)
    return JSONResponse(Artifact.of(entry).model_dump(), 201)


@router.delete("/artifacts/{owner}/{path:path}", **needs("artifact.delete"))
def delete_artifact(owner: Owner, path: str, yard: YardOf) -> Count:
    """Remove a file, or a folder with all in it.

    The answer says how many files went.
    """
    require_owner(yard, owner)
    return Count(count=yard.artifacts.delete(owner, yard_path(path)))


def yard_path(path: str) -> str:
    """A path that names something: the root as a whole is not removed by an empty word."""
    if not path:
        raise FileMissing("the path is empty")
    return path
