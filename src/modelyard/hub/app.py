"""The hub as an ASGI app."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator, Sequence
from importlib.resources.abc import Traversable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from modelyard.base.errors import (
    InvalidInput,
    ModelyardError,
    NotSupported,
    TooLarge,
    Unauthenticated,
)
from modelyard.hub import pages, ui
from modelyard.hub.edge import Edge, nothing_here
from modelyard.hub.failures import CHALLENGE, failure, invalid_request
from modelyard.hub.house import House
from modelyard.hub.interface import HubSettings
from modelyard.hub.protocols import MOUNTED, protocol_routes, protocol_workers
from modelyard.hub.routes import RESOURCES
from modelyard.hub.routing import check_declared
from modelyard.hub.sweeping import Sweeper
from modelyard.serving.edge import ASGI, Receive, Reply, Scope, Send, error_body
from modelyard.yard.yard import Yard


class Hub:
    """The ASGI app, and the house it runs: ``house.drain()`` ends it in order."""

    def __init__(self, house: House, inner: FastAPI) -> None:
        self.house = house
        self.inner = inner
        self._edge: ASGI = Edge(inner, house)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._edge(scope, receive, send)


def create_app(
    settings: HubSettings | None = None,
    yard: Yard | None = None,
    *,
    protocols: Sequence[str] = MOUNTED,
    site: Traversable | None = None,
) -> Hub:
    """A hub on a yard; without one, on the yard that the settings name, which is then closed with it.

    ``site`` is a folder with other pages for a browser than the package's own.

    `InvalidSetting` when a route declares no permission.
    """
    settings = settings or HubSettings()
    opened = yard or Yard(settings.uri, artifacts=settings.artifacts)
    house = House(opened, settings)
    app = FastAPI(
        title="Modelyard hub",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lambda app: _lifespan(house, _workers(house, protocols), yard is None),
    )
    resources = [importlib.import_module(f"modelyard.hub.routes.{name}") for name in RESOURCES]
    for router in (*(part.router for part in (*resources, pages)), ui.router(site)):
        app.router.routes.extend(router.routes)
    app.router.routes.extend(protocol_routes(opened, protocols))
    check_declared(app.router.routes)
    app.openapi = lambda: pages.describe(app)  # type: ignore[method-assign]  # the way FastAPI documents
    _add_error_handlers(app)
    return Hub(house, app)


def _workers(house: House, protocols: Sequence[str]) -> Sequence[Any]:
    every = house.settings.sweep_minutes * 60
    own: list[Any] = [Sweeper(house.yard, every)] if every else []
    if house.tracing is not None:
        own.append(house.tracing)
    return [*own, *protocol_workers(house.yard, protocols)]


@contextlib.asynccontextmanager
async def _lifespan(house: House, workers: Sequence[Any], close: bool) -> AsyncIterator[None]:
    for worker in workers:
        worker.start()
    house.start()
    try:
        yield
    finally:
        house.drain()
        for worker in workers:
            await asyncio.to_thread(worker.stop)
        if close:
            house.yard.close()


def _add_error_handlers(app: FastAPI) -> None:
    async def answer(request: Request, error: Exception) -> Response:
        state = request.scope["modelyard"]
        own = state.get("error_response")
        if own is not None and not isinstance(error, HTTPException):
            told: Response = own(error)
            if isinstance(error, Unauthenticated):
                told.headers["www-authenticate"] = CHALLENGE
            return told
        if isinstance(error, RequestValidationError):
            error = invalid_request(error.errors())
        elif isinstance(error, HTTPException):
            error = _named(error, request)
        if isinstance(error, _MethodNotAllowed):
            return _response(error.reply(state["request_id"]))
        return _response(failure(error, state["request_id"], state["house"].secrets))

    for kind in (ModelyardError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, answer)


class _MethodNotAllowed(Exception):
    def __init__(self, allowed: str) -> None:
        super().__init__(allowed)
        self._allowed = allowed

    def reply(self, request_id: str) -> Reply:
        body = error_body(
            "method_not_allowed",
            f"this path answers {self._allowed or 'other methods'}",
            request_id,
        )
        return Reply(body, headers=[(b"allow", self._allowed.encode())], status=405)


def _named(error: HTTPException, request: Request) -> Exception:
    """The framework's refusals as errors of ours."""
    if error.status_code == 404:
        return nothing_here()
    if error.status_code == 405:
        return _MethodNotAllowed(_methods_of(request))
    if error.status_code == 413:
        return TooLarge(str(error.detail))
    return InvalidInput(str(error.detail)) if error.status_code < 500 else NotSupported("")


def _methods_of(request: Request) -> str:
    """All methods that the routes of a path take together."""
    found = [
        method
        for route in request.app.router.routes
        if route.matches(request.scope)[0] is not Match.NONE
        for method in getattr(getattr(route, "route", route), "methods", None) or ()
    ]
    return ", ".join(sorted(set(found)))


def _response(reply: Reply) -> Response:
    headers: dict[str, Any] = {n.decode(): v.decode() for n, v in reply.headers}
    return Response(reply.body, reply.status, headers, media_type=reply.content_type.decode())
