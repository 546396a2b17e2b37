"""Paths of protocols as they are, looked up in dicts: how a request finds what answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from starlette.routing import BaseRoute, Match

from modelyard.serving.edge import ASGI, Receive, Scope, Send
from modelyard.serving.service import Service


class ExactPaths(BaseRoute):
    """One route for all paths of a protocol, looked up in a dict that is built again when models came or went.

    Finding one costs the same however many models are served, and names are no patterns: a model may be called ``{x}``.
    """

    def __init__(self, service: Service, build: Callable[[], Mapping[str, ASGI]]) -> None:
        self._service = service
        self._build = build
        self._built = build()
        self._generation = service.generation

    @property
    def exchanges(self) -> Mapping[str, ASGI]:
        """What answers each path now."""
        if self._generation != self._service.generation:
            self._generation = self._service.generation
            self._built = self._build()
        return self._built

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """A full match, whatever the verb, when the path is one of ours."""
        known = scope["type"] == "http" and scope["path"] in self.exchanges
        return (Match.FULL if known else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        await self.exchanges[scope["path"]](scope, receive, send)


class DirectPaths:
    """The exact paths of all protocols in one dict: the short way past the framework's own routing."""

    def __init__(self, service: Service, routes: Sequence[BaseRoute]) -> None:
        self._routes = [route for route in routes if isinstance(route, ExactPaths)]
        self._service = service
        self._generation = -1
        self._paths: dict[str, ASGI] = {}

    @property
    def paths(self) -> Mapping[str, ASGI]:
        """What answers each path now."""
        if self._generation != self._service.generation:
            self._generation = self._service.generation
            self._paths = {p: e for route in self._routes for p, e in route.exchanges.items()}
        return self._paths


class PathsBelow(BaseRoute):
    """One route for all paths that begin alike; ``find`` gives what answers the rest of one."""

    def __init__(self, prefix: str, find: Callable[[str], ASGI]) -> None:
        self._prefix = prefix
        self._find = find

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """A full match, whatever the verb."""
        known = scope["type"] == "http" and scope["path"].startswith(self._prefix)
        return (Match.FULL if known else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        await self._find(scope["path"].removeprefix(self._prefix))(scope, receive, send)
