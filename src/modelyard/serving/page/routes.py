"""Where the page and its files are."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from modelyard.serving.page.facts import page_facts
from modelyard.serving.protocols.rest import path_of
from modelyard.serving.service import Service

FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
FACTS = "/page/models.json"
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
}


def page_routes(service: Service) -> Sequence[BaseRoute]:
    """The page at ``/``, and what it is made of."""
    routes: list[BaseRoute] = []
    for path, (file, media_type) in FILES.items():
        routes.append(
            Route(path, _file(file, media_type), methods=["GET"], include_in_schema=False)
        )

    async def facts(request: Request) -> Response:
        told = page_facts(service, lambda method: path_of(service, method))
        return Response(orjson.dumps(told), headers=HEADERS, media_type="application/json")

    routes.append(Route(FACTS, facts, methods=["GET"], include_in_schema=False))
    return routes


def _file(name: str, media_type: str) -> Any:
    content = resources.files(__package__ or "").joinpath(name).read_bytes()

    async def answer(request: Request) -> Response:
        return Response(content, headers=HEADERS, media_type=media_type)

    return answer
