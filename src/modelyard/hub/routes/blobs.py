"""Uploads by content: a file is put under its sha256, and kept only when its bytes have it."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from typing import IO, Annotated, Any

from fastapi import Path, Request, Response
from fastapi.responses import JSONResponse

from modelyard.base.errors import FileMissing, InvalidInput
from modelyard.hub.asked import YardOf
from modelyard.hub.routing import Router, needs
from modelyard.hub.shapes import Blob
from modelyard.yard.yard import Yard

router = Router("blobs")

Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="sha256, as 64 hex digits.")]


@router.get("/blobs/{sha256}", summary="Whether a blob is here, completely", **needs("artifact.write"))  # fmt: skip
def stat_blob(sha256: Digest, yard: YardOf) -> Blob:
    found = yard.stores.stat(sha256)
    if found is None:
        raise FileMissing(f"no blob {sha256}")
    return Blob(sha256=found.sha256, size=found.size)


@router.put("/blobs/{sha256}", status_code=201, summary="Upload a blob", response_model=Blob, openapi_extra={**needs("artifact.write", body=None)["openapi_extra"], "requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}})  # fmt: skip
async def put_blob(sha256: Digest, request: Request, yard: YardOf) -> Response:
    """Nobody sees it until all its bytes are here and have that digest; one that is here already costs no upload."""
    digest = hashlib.sha256()
    with tempfile.TemporaryFile() as spool:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            await asyncio.to_thread(_take, spool, digest, chunk)
        if digest.hexdigest() != sha256:
            raise InvalidInput(
                f"these bytes have another digest: {digest.hexdigest()}",
                hint="put a file under the sha256 of its bytes; nothing was kept",
            )
        spool.seek(0)
        blob = await asyncio.to_thread(_keep, yard, spool, size, sha256)
    return JSONResponse(blob.model_dump(), 201)


def _take(spool: IO[bytes], digest: Any, chunk: bytes) -> None:
    digest.update(chunk)
    spool.write(chunk)


def _keep(yard: Yard, spool: IO[bytes], size: int, sha256: str) -> Blob:
    kept = yard.stores.put(spool, size, expect=sha256)
    return Blob(sha256=kept.sha256, size=kept.size)
