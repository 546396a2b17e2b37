"""Pages of other origins: what a browser has to be told so that those that are listed, and no others, may call (CORS)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

from modelyard.base.errors import InvalidSetting
from modelyard.serving.edge import Reply, Send

_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?|[a-z][a-z0-9+.-]*-extension://[a-z0-9-]+")  # fmt: skip
VERBS = b"GET, HEAD, POST"
HEADERS = b"authorization, content-type, x-api-key, x-request-id, x-reference-id, x-request-timeout, accept, content-encoding"
EXPOSED = b"x-request-id, x-modelyard-model, x-reference-id, retry-after, www-authenticate"
MAX_AGE = b"600"
_NAMES = re.compile(rb"[a-zA-Z0-9!#$%&'*+.^_`|~, -]{1,1000}")


def read_origins(allowed: Iterable[str]) -> frozenset[str]:
    """The origins of a setting; `InvalidSetting` for what is none, and for ``*``."""
    if isinstance(allowed, str):
        allowed = allowed.split(",")
    origins = frozenset(origin.strip().lower().rstrip("/") for origin in allowed)
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise InvalidSetting(
                f"allowed_origins: {origin!r} is not an origin",
                hint="as in https://app.example; patterns are not taken, each page is named",
            )
    return origins


def preflight(headers: Mapping[bytes, bytes]) -> Reply:
    """The answer to a browser that asks whether a page may call; that it may, `permitting` says."""
    wanted = headers.get(b"access-control-request-headers", b"")
    out = [
        (b"access-control-allow-methods", VERBS),
        (b"access-control-allow-headers", wanted if _NAMES.fullmatch(wanted) else HEADERS),
        (b"access-control-max-age", MAX_AGE),
        (b"vary", b"origin, access-control-request-method, access-control-request-headers"),
    ]
    if headers.get(b"access-control-request-private-network") == b"true":
        out.append((b"access-control-allow-private-network", b"true"))
    return Reply(b"", b"text/plain", out, 204)


def permission(origin: bytes) -> list[tuple[bytes, bytes]]:
    """The headers that let a page read an answer."""
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", EXPOSED),
        (b"vary", b"origin"),
    ]


def permitting(send: Send, origin: bytes | None) -> Send:
    """A ``send`` whose answers a page of this origin may read; without an origin, one that says they depend on it."""
    more = [(b"vary", b"origin")] if origin is None else permission(origin)

    async def permitted(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return permitted
