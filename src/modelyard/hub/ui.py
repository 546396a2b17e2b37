"""The pages for a browser: files that were built from ``ui`` into ``hub/static``, and are in every wheel.

They are for everybody, as they hold nothing: what they show they ask the REST for, with the reader's own token. Every path
below `PATHS` is the one page, which reads from its address what to show; no other path is ever answered by it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse

from modelyard.hub.edge import nothing_here
from modelyard.hub.permissions import PUBLIC
from modelyard.hub.routing import Router, needs

PATHS = ("experiments", "runs", "models")
TYPES: Mapping[str, str] = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
NOT_BUILT = "this hub was installed without its pages; make ui builds them"
FOR_EVER = "public, max-age=31536000, immutable"
"""For files whose names change with what is in them."""


@dataclass(frozen=True, slots=True)
class File:
    """A file, and the same packed."""

    data: bytes
    packed: bytes | None
    etag: str


def folder() -> Traversable:
    """Where the pages are, when they are built."""
    return resources.files("modelyard.hub").joinpath("static")


def is_built() -> bool:
    """Whether there are pages."""
    return folder().joinpath("index.html").is_file()


def router(files: Traversable | None = None) -> Router:
    """The routes. All files are read here, once: what is asked for is looked up by its name and never on a disk."""
    files = files or folder()
    start = _read(files, "index.html")
    found = files.joinpath("assets")
    names = [one.name for one in found.iterdir()] if start and found.is_dir() else []
    assets = {
        name: file
        for name in names
        if name.rpartition(".")[2] in TYPES and (file := _read(found, name))
    }
    routes = Router("ui", prefix="")
    public = needs(PUBLIC)

    @routes.api_route("/assets/{name}", methods=["GET", "HEAD"], include_in_schema=False, **public)
    async def asset(name: str, request: Request) -> Response:
        if name not in assets:
            raise nothing_here()
        return _answer(request, assets[name], TYPES[name.rpartition(".")[2]], FOR_EVER)

    async def page(request: Request) -> Response:
        if start is None:
            return PlainTextResponse(f"{NOT_BUILT}. The REST is at /api/docs.\n", 404)
        return _answer(request, start, TYPES["html"], "no-cache")

    for path in ("/", *(f"/{kind}{rest}" for kind in PATHS for rest in ("", "/{rest:path}"))):
        routes.add_api_route(path, page, methods=["GET", "HEAD"], include_in_schema=False, **public)
    return routes


def _read(files: Traversable, name: str) -> File | None:
    file, packed = files.joinpath(name), files.joinpath(f"{name}.gz")
    if not file.is_file():
        return None
    data = file.read_bytes()
    etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    return File(data, packed.read_bytes() if packed.is_file() else None, etag)


def _answer(request: Request, file: File, kind: str, cache: str) -> Response:
    headers = {"cache-control": cache, "etag": file.etag, "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == file.etag:
        return Response(status_code=304, headers=headers)
    body = file.data
    if file.packed is not None and "gzip" in request.headers.get("accept-encoding", "").lower():
        body, headers["content-encoding"] = file.packed, "gzip"
    return Response(body, headers=headers, media_type=kind)
