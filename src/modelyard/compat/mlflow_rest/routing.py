"""From tables of endpoints to routes: each below both prefixes, each with the permission that it asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import TooLarge
from modelyard.compat.mlflow_rest.errors import Refusal, status_and_body
from modelyard.compat.mlflow_rest.wire import Call, body_of, content_type_refused, encoded

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from modelyard.yard.yard import Yard

PREFIXES = ("/api", "/ajax-api")
"""Of clients, and of MLflow's own pages."""
BASE = "/2.0/mlflow/"

SMALL, BATCH, LARGE = 1 << 20, 8 << 20, 32 << 20
"""Bytes of a body: of most requests, of batches, and of data sets with their profiles."""

Handler = Callable[["Yard", Call], Mapping[str, Any]]
"""Answers one request: what it returns becomes JSON. It runs in a thread."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method, a path and who may call it; what answers."""

    method: str
    path: str
    """Below `BASE`; one that begins with a slash stands as it is, below the prefixes."""
    permission: str
    handler: Handler
    limit: int = SMALL

    def paths(self) -> list[str]:
        """Every path it is reached by."""
        below = self.path if self.path.startswith("/") else BASE + self.path
        return [prefix + below for prefix in PREFIXES]


def route(path: str, method: str, permission: str, answer: Any, limit: int | None = SMALL) -> Route:
    """A route that carries what whoever mounts it must know: the permission it asks for, the largest body (None is any),
    and how errors are told."""
    from starlette.routing import Route

    made: Any = Route(path, answer, methods=[method])
    made.permission, made.body_limit = permission, limit
    made.error_response = error_response
    return made


def routes_of(yard: Yard, endpoints: Sequence[Endpoint]) -> list[Route]:
    """The routes of JSON endpoints."""
    return [
        route(path, endpoint.method, endpoint.permission, answer, endpoint.limit)
        for endpoint in endpoints
        for answer in [_answering(yard, endpoint)]
        for path in endpoint.paths()
    ]


def unknown_routes() -> list[Route]:
    """What answers below MLflow's paths where nothing else does: clients look for this code to do without."""

    async def answer(request: Request) -> Response:
        path = request.url.path[:200]
        return error_response(Refusal(f"No endpoint {request.method} {path}", "ENDPOINT_NOT_FOUND"))

    found: list[Route] = []
    for prefix in PREFIXES:
        for base in ("/2.0/mlflow", "/2.0/mlflow-artifacts", "/3.0/mlflow"):
            made: Any = route(f"{prefix}{base}/{{path:path}}", "GET", "public", answer)
            made.methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
            found.append(made)
    return found


def _answering(yard: Yard, endpoint: Endpoint) -> Any:
    from starlette.concurrency import run_in_threadpool

    async def answer(request: Request) -> Response:
        try:
            call = await read(request, endpoint.limit)
            return json_response(await run_in_threadpool(endpoint.handler, yard, call))
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told
            return error_response(error)

    return answer


async def read(request: Request, limit: int = SMALL) -> Call:
    """The fields of a request."""
    if request.method == "GET" and request.url.query:
        query = request.query_params
        return Call({k: query.getlist(k) for k in query}, True, request.path_params)
    data = await whole_body(request, limit)
    if request.method != "GET" and (data or request.method in ("POST", "PUT")):
        refusal = content_type_refused(request.headers.get("content-type"))
        if refusal is not None:
            raise refusal
    return Call(body_of(data) if data else {}, False, request.path_params)


async def whole_body(request: Request, limit: int) -> bytes:
    """The body, refused as soon as it is known to be longer than the limit."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the request has more than {limit:,} bytes", limit=limit)


def json_response(value: Mapping[str, Any], status: int = 200) -> Response:
    """An answer as JSON."""
    from starlette.responses import Response

    return Response(encoded(value), status, media_type="application/json")


def error_response(error: Exception) -> Response:
    """An error as MLflow's clients read it."""
    status, body = status_and_body(error)
    return json_response(body, status)
