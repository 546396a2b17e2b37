"""What goes out: the headers that every answer has, and long JSON packed."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from modelyard.serving.edge import Send
from modelyard.serving.packing import pack, takes_gzip

PACK_FROM = 1024
"""Bytes of JSON from which on packing is worth it."""

SECURITY: Mapping[bytes, bytes] = {
    b"x-content-type-options": b"nosniff",
    b"content-security-policy": b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"x-frame-options": b"DENY",
    b"cache-control": b"no-store",
}
"""On every answer that does not say otherwise itself."""

FILE_HEADERS: Mapping[str, str] = {
    "content-security-policy": "sandbox; default-src 'none'",
    "cache-control": "private, no-cache",
}
"""On answers that are a user's own file: a browser saves it, and would run nothing of it."""


class Answer:
    """The ``send`` of a request; knows afterwards what was answered."""

    def __init__(self, send: Send, request_id: str, headers: Mapping[bytes, bytes]) -> None:
        self.status = 0
        self.size = 0
        self.ended = False
        self.closing = False
        self._send = send
        self._request_id = request_id
        self._packs = takes_gzip(headers.get(b"accept-encoding", b""))
        self._start: MutableMapping[str, Any] | None = None

    @property
    def started(self) -> bool:
        """Whether anything went out: then there is no other answer any more."""
        return self.status != 0 and self._start is None

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self._start = message["status"], message
            return
        if message["type"] == "http.response.body" and self._start is not None:
            start, self._start = self._start, None
            await self._begin(start, message)
        self.size += len(message.get("body", b""))
        await self._send(message)
        self.ended = not message.get("more_body")

    async def _begin(self, start: MutableMapping[str, Any], body: MutableMapping[str, Any]) -> None:
        headers = [(name.lower(), value) for name, value in start.get("headers", ())]
        known = dict(headers)
        if known.get(b"content-type", b"").startswith(b"application/json"):
            headers.append((b"vary", b"accept-encoding"))
            if self._packs and not body.get("more_body") and b"content-encoding" not in known:
                headers = await self._packed(headers, body)
        headers += [(n, v) for n, v in SECURITY.items() if n not in known]
        headers.append((b"x-request-id", self._request_id.encode()))
        if self.closing and b"connection" not in known:
            headers.append((b"connection", b"close"))
        await self._send({**start, "headers": headers})

    async def _packed(self, headers: Any, message: MutableMapping[str, Any]) -> Any:
        body = message.get("body", b"")
        if len(body) < PACK_FROM:
            return headers
        packed = await pack(body)
        message["body"] = packed
        kept = [(name, value) for name, value in headers if name != b"content-length"]
        return [
            *kept,
            (b"content-encoding", b"gzip"),
            (b"content-length", b"%d" % len(packed)),
        ]
