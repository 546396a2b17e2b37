"""The gate before everything: who may ask at all, and the short way to the models.

Against pages in a browser that call a server on the same machine: a foreign ``Origin`` may not post, and a server that listens on
a loopback address answers to the names of this machine only (another name would be one that was rebound to it).
"""

from __future__ import annotations

from collections.abc import Mapping

from modelyard.base.errors import NotAllowed
from modelyard.base.loopback import is_loopback
from modelyard.serving.edge import (
    ASGI,
    Receive,
    Scope,
    Send,
    error_reply,
    read_request_id,
    send_reply,
)
from modelyard.serving.paths import DirectPaths


class Front:
    """An ASGI app around another: refuses strangers, and answers ``direct`` paths without the detour."""

    def __init__(
        self,
        app: ASGI,
        *,
        direct: DirectPaths | None = None,
        hosts: frozenset[str] | None = None,
        origins: frozenset[str] = frozenset(),
    ) -> None:
        self._app = app
        self._direct = direct
        self._hosts = hosts
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        refused = self._refusal(scope, headers)
        if refused is not None:
            request_id = read_request_id(headers)
            await send_reply(send, error_reply(refused, request_id), request_id)
            return
        direct = self._direct
        answer = self._app if direct is None else direct.paths.get(scope["path"], self._app)
        await answer(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Mapping[bytes, bytes]) -> NotAllowed | None:
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if self._hosts is not None and host_name(host) not in self._hosts:
            return NotAllowed(
                "this Host is not served here",
                hint="use the address the server printed, or serve with allowed_hosts=",
            )
        origin = headers.get(b"origin")
        if origin is None or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return None
        spelled = origin.decode("latin-1").lower()
        if spelled in self._origins or spelled in (f"http://{host}", f"https://{host}"):
            return None
        return NotAllowed(
            "pages of another origin may not call this server",
            hint="serve with allowed_origins=, or pass Host through your proxy unchanged",
        )


def host_name(header: str) -> str:
    """The name in a Host header, without its port.

    >>> host_name("[::1]:8080"), host_name("localhost:8080")
    ('::1', 'localhost')
    """
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


def own_names(host: str) -> frozenset[str] | None:
    """The names a server on this host answers to; None for any."""
    return frozenset((host.lower(), "localhost", "127.0.0.1", "::1")) if is_loopback(host) else None
