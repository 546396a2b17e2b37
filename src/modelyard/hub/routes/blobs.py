"""Uploads by content: a file is put under its sha256, and kept only when its bytes have it."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Path, Request, Response
from fastapi.responses import JSONResponse

from modelyard.base.errors import FileMissing
from modelyard.hub.asked import YardOf
from modelyard.hub.routes.artifacts import takes_bytes
from modelyard.hub.routing import Router, needs
from modelyard.hub.shapes import Blob
from modelyard.hub.uploads import read_in_thread, told_length

router = Router("blobs")

Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="sha256, as 64 hex digits.")]


@router.get("/blobs/{sha256}", **needs("artifact.write"))
def stat_blob(sha256: Digest, yard: YardOf) -> Blob:
    """Whether a blob is here, completely."""
    found = yard.stores.stat(sha256)
    if found is None:
        raise FileMissing(f"no blob {sha256}")
    return Blob(sha256=found.sha256, size=found.size)


@router.put(
    "/blobs/{sha256}", status_code=201, response_model=Blob, **takes_bytes("artifact.write")
)
async def put_blob(sha256: Digest, request: Request, yard: YardOf) -> Response:
    """Upload a blob.

    Nobody sees it until all its bytes are here and have that digest.
    """
    put = partial(yard.stores.put, size=told_length(request), expect=sha256)
    kept = await read_in_thread(request, put)
    return JSONResponse({"sha256": kept.sha256, "size": kept.size}, 201)
