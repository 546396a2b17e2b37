"""Routes that say what one must be allowed to do, and how much may be sent; the one place where both are judged.

>>> router = Router("example")
>>> @router.get("/examples", **needs("model.read"))
... def examples() -> list[str]:
...     return []
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match, compile_path
from starlette.types import Receive, Scope, Send

from modelyard.base.errors import InvalidSetting, UnsupportedFormat
from modelyard.base.events import Caller, set_caller
from modelyard.hub.incoming import JSON_BYTES
from modelyard.hub.interface import Principal
from modelyard.hub.permissions import LEAST_ROLE, PUBLIC
from modelyard.serving.edge import OFF_LOOP_BYTES, parse_json

PREFIX = "/api/v1"
DEPTH = 64
"""Levels of JSON."""

_EXTRA = "x-permission"


def needs(
    permission: str, *, body: int | None = JSON_BYTES, named: bool = False, scoped: bool = False
) -> dict[str, Any]:
    """What a route declares: its permission, the largest body, and how a token's scopes bear on it.

    ``named``: the path's ``name`` must be within the scopes. ``scoped``: the handler itself sees to it (a listing shows what is
    within them). With neither, a token with scopes is refused.
    """
    told = {"body": body, "named": named, "scoped": scoped}
    return {"openapi_extra": {_EXTRA: permission, "x-modelyard": told}}


async def admit(
    scope: Scope, permission: str, *, named: bool = False, scoped: bool = False
) -> None:
    """Let a request through to a route, or raise `NotAllowed`."""
    state = scope["modelyard"]
    if permission == PUBLIC:
        return
    headers = dict(scope["headers"])
    principal = await asyncio.to_thread(state["house"].identify, headers)
    state["principal"], state["actor"] = principal, principal.actor
    set_caller(Caller(principal.actor, state["request_id"]))
    principal.require(permission)
    if named:
        principal.require_name(scope.get("path_params", {}).get("name"))
    elif not scoped:
        principal.require_name(None)


class Route(APIRoute):
    """A route of ours: judged before its body is read, its JSON parsed as strictly as everywhere else. The first line of
    its handler's docstring is its summary.

    What FastAPI makes of its handler's types, it makes when the route is first asked or described: to do it for all hundred
    would take a quarter of the start.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        extra = dict(options.pop("openapi_extra", None) or {})
        self.permission = extra.get(_EXTRA)
        told = extra.pop("x-modelyard", {})
        self.body_limit: int | None = told.get("body", JSON_BYTES)
        self._scopes = {key: told.get(key, False) for key in ("named", "scoped")}
        first, _, more = inspect.cleandoc(endpoint.__doc__ or "").partition("\n")
        options["summary"] = options.get("summary") or first.rstrip(".")
        options["description"] = options.get("description") or more.strip()
        self._options = {**options, "openapi_extra": extra}
        self.path, self.endpoint = path, endpoint
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)
        self.name = options.get("name") or endpoint.__name__
        self.methods = {method.upper() for method in options.get("methods") or ("GET",)}

    def __getattr__(self, name: str) -> Any:
        """Whatever is not there before FastAPI made it."""
        if name in APIRoute.__annotations__ or name in ("app", "form_limits"):
            super().__init__(self.path, self.endpoint, **self._options)
            return self.__dict__[name]
        raise AttributeError(name)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope["modelyard"]
        state["route"] = self.path
        if self.methods and scope["method"] in self.methods:
            await admit(scope, str(self.permission), **self._scopes)
            state["body"].allow(self.body_limit)
        await super().handle(scope, receive, send)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()
        if self.body_field is None:
            return answer

        async def parsed(request: Request) -> Response:
            body = await request.body()
            if body:
                _require_json(request.headers.get("content-type", ""))
                small = len(body) <= OFF_LOOP_BYTES
                value = (
                    parse_json(body, DEPTH)
                    if small
                    else await asyncio.to_thread(parse_json, body, DEPTH)
                )
                request._json = value
            return await answer(request)

        return parsed


def _require_json(content_type: str) -> None:
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "application/json" and not (
        kind.startswith("application/") and kind.endswith("+json")
    ):
        raise UnsupportedFormat("the body must be JSON", hint="Content-Type: application/json")


class Router(APIRouter):
    """Routes of one kind of thing, below `PREFIX`."""

    def __init__(self, tag: str, *, prefix: str = PREFIX) -> None:
        super().__init__(prefix=prefix, tags=[tag], route_class=Route, redirect_slashes=False)


class Guarded(BaseRoute):
    """Another protocol's route with our judgement in front. It has ``permission``; ``body_limit``, ``named`` and
    ``scoped`` are as `needs` takes them, where it has them."""

    def __init__(self, route: Any) -> None:
        self.route = route
        self.path = getattr(route, "path", "")
        self.permission = getattr(route, "permission", None)
        self._limit = getattr(route, "body_limit", JSON_BYTES)
        self._scopes = {key: bool(getattr(route, key, False)) for key in ("named", "scoped")}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As the route itself."""
        return self.route.matches(scope)

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        """As the route itself."""
        return self.route.url_path_for(name, **path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge, then let it answer. Its own words for an error are its ``error_response``."""
        state = scope["modelyard"]
        state["route"] = self.path
        state["error_response"] = getattr(self.route, "error_response", None)
        methods = getattr(self.route, "methods", None)
        if methods is None or scope["method"] in methods:
            await admit(scope, str(self.permission), **self._scopes)
            state["body"].allow(self._limit)
        await self.route.handle(scope, receive, send)


def check_declared(routes: Iterable[Any]) -> None:
    """`InvalidSetting` naming the routes that declare no known permission: nothing starts with them."""
    silent = [
        f"{getattr(route, 'path', route)} ({getattr(route, 'permission', None)})"
        for route in routes
        if getattr(route, "permission", None) not in (*LEAST_ROLE, PUBLIC)
    ]
    if silent:
        raise InvalidSetting(
            f"routes without a known permission: {', '.join(silent)}",
            hint="each route says **needs('…') with a word of hub.permissions",
        )


def principal_of(request: Request) -> Principal:
    """Who asks."""
    return request.scope["modelyard"]["principal"]
