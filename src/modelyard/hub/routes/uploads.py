"""Uploads in parts, for files that are large or lines that are bad: sent in any order, and taken up again."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Body, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from modelyard.hub.asked import YardOf
from modelyard.hub.routes.artifacts import Artifact, takes_bytes
from modelyard.hub.routing import Router, needs
from modelyard.hub.shapes import Sent, Told
from modelyard.hub.uploads import read_in_thread, told_length
from modelyard.stores.uploads import Upload
from modelyard.yard.owners import require_owner

router = Router("uploads")

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
UploadId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]


class NewUpload(Sent):
    """An upload to begin. What is announced is checked at its end."""

    owner: Annotated[str, Field(pattern="^(run:[0-9a-f]{32}|model:m-[0-9a-f]{32})$")] = Field(
        examples=["run:019a1b2c3d4e5f60718293a4b5c6d7e8"]
    )
    path: Annotated[str, Field(min_length=1, max_length=1024)] = Field(
        examples=["model/weights.bin"]
    )
    size: Annotated[int, Field(ge=0, le=2**50)] | None = Field(None, examples=[2_147_483_648])
    sha256: Digest | None = Field(None, examples=["9f86d081884c7d659a2feaa0c55ad015" * 2])


class PartFacts(Told):
    """A part that is here."""

    number: int = Field(examples=[1])
    size: int = Field(examples=[67_108_864])
    sha256: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015" * 2])


class UploadFacts(Told):
    """An upload, and which parts of it are here."""

    id: str
    owner: str
    path: str
    size: int | None
    sha256: str | None
    received: int
    parts: list[PartFacts]
    done: bool

    @classmethod
    def of(cls, upload: Upload) -> UploadFacts:
        """As it is told."""
        parts = [PartFacts(number=p.number, size=p.size, sha256=p.sha256) for p in upload.parts]
        return cls(
            id=upload.id,
            owner=upload.owner,
            path=upload.path,
            size=upload.size,
            sha256=upload.sha256,
            received=upload.received,
            parts=parts,
            done=upload.done is not None,
        )


@router.post("/uploads", status_code=201, **needs("artifact.write"))
def begin_upload(yard: YardOf, new: Annotated[NewUpload, Body()]) -> UploadFacts:
    """Begin an upload in parts."""
    require_owner(yard, new.owner)
    return UploadFacts.of(yard.uploads.begin(new.owner, new.path, size=new.size, sha256=new.sha256))


@router.get("/uploads/{id}", **needs("artifact.write"))
def get_upload(id: UploadId, yard: YardOf) -> UploadFacts:
    """Which parts of an upload are here."""
    return UploadFacts.of(yard.uploads.get(id))


@router.put(
    "/uploads/{id}/parts/{number}", response_model=PartFacts, **takes_bytes("artifact.write")
)
async def put_part(
    id: UploadId, number: Annotated[int, Path(ge=1, le=10_000)], request: Request, yard: YardOf
) -> Response:
    """Send a part, in any order, as often as it takes."""
    put = partial(yard.uploads.put_part, id, number, size=told_length(request))
    part = await read_in_thread(request, put)
    return JSONResponse({"number": part.number, "size": part.size, "sha256": part.sha256})


@router.post("/uploads/{id}/complete", **needs("artifact.write"))
def complete_upload(id: UploadId, yard: YardOf) -> Artifact:
    """Join the parts: now the file is there.

    Asked again, it answers the same.
    """
    # The run may be gone by now, for good: files of nobody would stay for ever.
    require_owner(yard, yard.uploads.get(id).owner)
    return Artifact.of(yard.uploads.complete(id))


@router.delete("/uploads/{id}", status_code=204, **needs("artifact.write"))
def abort_upload(id: UploadId, yard: YardOf) -> Response:
    """Give an upload up."""
    yard.uploads.abort(id)
    return Response(status_code=204)
