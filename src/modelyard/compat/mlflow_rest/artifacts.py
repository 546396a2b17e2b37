"""The artifacts proxy: files of runs, logged models and versions, put and read as streams, each as an attachment that
no browser runs."""

from __future__ import annotations

import io
import mimetypes
import posixpath
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import quote, unquote_to_bytes

from modelyard.base.errors import InvalidPath
from modelyard.compat.mlflow_rest import files
from modelyard.compat.mlflow_rest.errors import Refusal, told
from modelyard.compat.mlflow_rest.places import Place, of_model, of_run, place_of
from modelyard.compat.mlflow_rest.registry_answers import known_version
from modelyard.compat.mlflow_rest.routing import (
    PREFIXES,
    Endpoint,
    error_response,
    json_response,
    route,
    whole_body,
)
from modelyard.compat.mlflow_rest.wire import Call
from modelyard.serving.arriving import Arriving

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from modelyard.stores.overlay import Entry
    from modelyard.yard.yard import Yard

ARTIFACTS = "/2.0/mlflow-artifacts/artifacts"
_HELD = 1 << 20
"""Files up to this size are read whole before the answer begins."""
_CHUNK = 1 << 20
_UPLOAD = 10 << 20
"""Bytes that MLflow's pages may send."""
_TRANSFERS = 32
"""Streams at once: a slow client must not keep threads from others."""

_PLAIN = (".py", ".yaml", ".yml", ".txt", ".md", ".log", ".cfg", ".toml", ".sh")


def routes_of(yard: Yard) -> list[Route]:
    """All routes that carry files."""
    transfers = _Transfers(yard)
    found = [
        route(prefix + ARTIFACTS, "GET", "artifact.read", transfers.list) for prefix in PREFIXES
    ]
    for prefix in PREFIXES:
        path = f"{prefix}{ARTIFACTS}/{{path:path}}"
        found += [
            route(path, "GET", "artifact.read", transfers.get),
            route(path, "PUT", "artifact.write", transfers.put, None),
            route(path, "DELETE", "artifact.delete", transfers.delete),
        ]
    named = transfers.named
    found += [
        route("/get-artifact", "GET", "artifact.read", named(_in_run)),
        route("/model-versions/get-artifact", "GET", "artifact.read", named(_in_version)),
        route(
            "/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files",
            "GET",
            "artifact.read",
            named(_in_model),
        ),
        route(
            "/ajax-api/2.0/mlflow/upload-artifact",
            "POST",
            "artifact.write",
            transfers.upload,
            _UPLOAD,
        ),
    ]
    return found


class _Transfers:
    """Endpoints over the files of a yard."""

    def __init__(self, yard: Yard) -> None:
        self._yard = yard
        self._limiter: Any = None

    async def list(self, request: Request) -> Response:
        """Of a folder; of a file nothing."""
        path = request.query_params.get("path", "")
        return await self._answered(lambda: json_response(self._listing(path)))

    def _listing(self, path: str) -> dict[str, Any]:
        if "\ufffd" in path:  # what the query's reader makes of bytes that are no text
            raise InvalidPath("the path is refused: it is not UTF-8")
        return files.infos(self._yard, place_of(path.rstrip("/"))) if path else {}

    async def get(self, request: Request) -> Response:
        """A file."""
        return await self._answered(lambda: self._file(place_of(sent_path(request))))

    def named(self, find: Callable[[Yard, Request], Place]) -> Any:
        """A file that the query names otherwise."""

        async def get(request: Request) -> Response:
            return await self._answered(lambda: self._file(find(self._yard, request)))

        return get

    def _file(self, place: Place) -> Response:
        from starlette.responses import Response, StreamingResponse

        entry, stream = files.opened(self._yard, place)
        headers = headers_of(entry)
        if entry.size <= _HELD:
            with stream:
                return Response(stream.read(), headers=headers)
        return StreamingResponse(self._pieces(stream), headers=headers)

    async def _pieces(self, stream: IO[bytes]) -> AsyncIterator[bytes]:
        try:
            while piece := await self._thread(lambda: stream.read(_CHUNK)):
                yield piece
        finally:
            stream.close()

    async def put(self, request: Request) -> Response:
        """Keep the body as a file."""
        return await self._kept(request, lambda: place_of(sent_path(request)))

    async def upload(self, request: Request) -> Response:
        """What MLflow's pages send."""
        query = request.query_params

        def find() -> Place:
            run_id = query.get("run_uuid") or ""
            if not run_id or not query.get("path"):
                raise Refusal("Request must specify run_uuid and path")
            return of_run(run_id, query["path"])

        return await self._kept(request, find)

    async def _kept(self, request: Request, find: Callable[[], Place]) -> Response:
        try:
            place = find()
            await self._thread(lambda: files.require_writable(self._yard, place))
            length = request.headers.get("content-length", "")
            size = int(length) if length.isdecimal() and len(length) < 19 else None
            put = partial(self._yard.artifacts.put, place.owner, place.path, size=size)
            if size is not None and size <= _HELD:
                data = io.BytesIO(await whole_body(request, _HELD))
                await self._thread(lambda: put(data))
            else:
                await self._arriving(request, put)
            return json_response({})
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told
            return error_response(error)

    async def _arriving(self, request: Request, put: Callable[[IO[bytes]], Any]) -> None:
        arriving = Arriving(request.stream())
        try:
            await self._thread(lambda: put(cast(IO[bytes], arriving)))
        finally:
            await arriving.release()

    async def delete(self, request: Request) -> Response:
        """A file, or a folder with all in it."""

        def work() -> Response:
            place = place_of(sent_path(request))
            files.require_writable(self._yard, place)
            self._yard.artifacts.delete(place.owner, place.path)
            return json_response({})

        return await self._answered(work)

    async def _answered(self, work: Callable[[], Response]) -> Response:
        try:
            return await self._thread(work)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told
            return error_response(error)

    async def _thread(self, work: Callable[[], Any]) -> Any:
        import anyio
        from anyio import to_thread

        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(_TRANSFERS)
        return await to_thread.run_sync(work, limiter=self._limiter)


def sent_path(request: Request) -> str:
    """The path behind the prefix as it was sent, decoded once. Not the router's: that drops a newline at the end, and
    has made something of bytes that are no text."""
    raw: bytes = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    sent = raw.partition(f"{ARTIFACTS}/".encode())[2]
    try:
        return unquote_to_bytes(sent).decode()
    except UnicodeDecodeError:
        raise InvalidPath("the path is refused: it is not UTF-8") from None


def headers_of(entry: Entry) -> dict[str, str]:
    """Of a file: something to keep, never a page to show."""
    name = entry.name
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if posixpath.splitext(name)[1].lower() in _PLAIN or name == "MLmodel":
        kind = "text/plain; charset=utf-8"
    ascii_name = "".join(c if c.isascii() and c not in '"\\' else "_" for c in name)
    return {
        "Content-Length": str(entry.size),
        "Content-Type": kind,
        "Content-Disposition": f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "ETag": f'"{entry.sha256}"',
    }


def _needed(request: Request, name: str) -> str:
    value = request.query_params.get(name)
    if not value:
        raise Refusal(f'Request must include the "{name}" query parameter.', "BAD_REQUEST")
    return value


def _in_run(yard: Yard, request: Request) -> Place:
    query = request.query_params
    run_id = query.get("run_id") or query.get("run_uuid") or _needed(request, "run_id")
    with told("run", run_id):
        yard.tracker.run(run_id, files.no_values())
    return of_run(run_id, _needed(request, "path"))


def _in_version(yard: Yard, request: Request) -> Place:
    name, number = _needed(request, "name"), _needed(request, "version")
    version = known_version(yard, name, number)[1]
    return files.version_place(yard, version, _needed(request, "path"))


def _in_model(yard: Yard, request: Request) -> Place:
    model_id = request.path_params["model_id"]
    with told("logged_model", model_id):
        yard.tracker.model(model_id)
    return of_model(model_id, _needed(request, "artifact_file_path"))


def no_parts(yard: Yard, call: Call) -> dict[str, Any]:
    """Direct links to a path by id: files come through the hub, or as `transfers` has it."""
    raise Refusal("Presigned transfers are not supported here", "NOT_IMPLEMENTED")


ENDPOINTS = [
    Endpoint("POST", "artifacts/presigned-upload-url", "artifact.write", no_parts),
    Endpoint("POST", "artifacts/presigned-download-url", "artifact.read", no_parts),
]
