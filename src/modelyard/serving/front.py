"""The gate before everything: who may ask at all, and the short way to the models.

Against pages in a browser that call a server on the same machine: a foreign ``Origin`` may not post, and a server that listens on
a loopback address answers to the names of this machine only (another name would be one that was rebound to it).
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from modelyard.base.errors import ModelyardError, NotAllowed
from modelyard.base.loopback import is_loopback
from modelyard.serving.asking import Asked
from modelyard.serving.edge import (
    ASGI,
    CLIENT_CLOSED,
    Receive,
    Scope,
    Send,
    error_reply,
    read_request_id,
    send_reply,
)
from modelyard.serving.entry.auth import OPEN, is_open
from modelyard.serving.entry.gate import TIMEOUT, Gate
from modelyard.serving.entry.origins import permitting, preflight
from modelyard.serving.paths import DirectPaths

UNMATCHED = "unmatched"
"""The route of what nothing answers."""


class Front:
    """An ASGI app around another: refuses strangers, lets requests pass the gate, and answers ``direct`` paths without the
    detour."""

    def __init__(
        self,
        app: ASGI,
        *,
        direct: DirectPaths | None = None,
        hosts: frozenset[str] | None = None,
        origins: frozenset[str] = frozenset(),
        gate: Gate | None = None,
    ) -> None:
        self._app = app
        self._direct = direct
        self._hosts = hosts
        self._origins = origins
        self._gate = gate or Gate()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if self._origins:
            send = permitting(send, self._page(headers))
        refused = self._refusal(scope, headers)
        if refused is not None:
            await self._refuse(refused, scope, send)
        elif self._origins and _is_preflight(scope, headers):
            await send_reply(send, preflight(headers), read_request_id(headers))
        elif self._gate.looks or TIMEOUT in headers:
            await self._look(scope, receive, send, headers)
        else:
            await self._answering(scope["path"])(scope, receive, send)

    def _answering(self, path: str) -> ASGI:
        direct = self._direct
        return self._app if direct is None else direct.paths.get(path, self._app)

    async def _look(
        self, scope: Scope, receive: Receive, send: Send, headers: Mapping[bytes, bytes]
    ) -> None:
        """Let a request pass the gate, and note what becomes of it."""
        gate, request_id = self._gate, read_request_id(headers)
        auth, verb, path = gate.auth, scope["method"], scope["path"]
        # What comes after must know the request by the same id.
        scope["headers"] = [*scope["headers"], (b"x-request-id", request_id.encode())]
        client, answer = scope.get("client"), self._answering(path)
        declared = path in OPEN or answer is not self._app
        try:
            with gate.passage(
                headers,
                client[0] if client else "",
                request_id=request_id,
                verb=verb,
                route=path if declared else UNMATCHED,
                path=path,
                is_open=is_open(verb, path) if auth is None else auth.is_open(verb, path),
            ) as asked:
                try:
                    await answer(scope, *noting(asked, receive, send))
                finally:
                    asked.route = _route(asked, scope)
                    asked.status = asked.status or CLIENT_CLOSED
        except ModelyardError as error:  # the gate's: what is behind it answers its own
            await self._refuse(error, scope, send)

    async def _refuse(self, error: ModelyardError, scope: Scope, send: Send) -> None:
        """A refusal in the words of the protocol whose path it is."""
        request_id = read_request_id(dict(scope["headers"]))
        write_error = getattr(self._answering(scope["path"]), "write_error", error_reply)
        await send_reply(send, write_error(error, request_id), request_id)

    def _page(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """The origin of a page that is listed."""
        origin = headers.get(b"origin")
        return origin if origin and origin.decode("latin-1").lower() in self._origins else None

    def _refusal(self, scope: Scope, headers: Mapping[bytes, bytes]) -> NotAllowed | None:
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if self._hosts is not None and host_name(host) not in self._hosts:
            self._gate.on_refused("host")
            return NotAllowed(
                "this Host is not served here",
                hint="use the address the server printed, or serve with allowed_hosts=",
            )
        origin = headers.get(b"origin")
        if origin is None or (
            scope["method"] in ("GET", "HEAD", "OPTIONS") and not _is_preflight(scope, headers)
        ):
            return None
        spelled = origin.decode("latin-1").lower()
        if spelled in self._origins or spelled in (f"http://{host}", f"https://{host}"):
            return None
        self._gate.on_refused("origin")
        return NotAllowed(
            "pages of another origin may not call this server",
            hint="serve with allowed_origins=, or pass Host through your proxy unchanged",
        )


def _is_preflight(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    return (
        scope["method"] == "OPTIONS"
        and b"access-control-request-method" in headers
        and b"origin" in headers
    )


def _route(asked: Asked, scope: Scope) -> str:
    """The route that answered, as it is declared: what a client made up stands in no trace."""
    if asked.route != UNMATCHED:
        return asked.route
    declared = getattr(scope.get("route"), "path", None)
    if declared is None and "endpoint" in scope:
        declared = scope["path"]
    return declared or asked.protocol or UNMATCHED


def noting(asked: Asked, receive: Receive, send: Send) -> tuple[Receive, Send]:
    """Both ends of a request, with its sizes and its status noted."""

    async def received() -> MutableMapping[str, Any]:
        message = await receive()
        asked.bytes_in += len(message.get("body", b""))
        return message

    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            asked.status = message["status"]
        else:
            asked.bytes_out += len(message.get("body", b""))
        await send(message)

    return received, sent


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
