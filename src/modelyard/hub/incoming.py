"""What a client sends, before anybody reads it: bodies are counted and unpacked on the way, and must keep coming."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

from modelyard.base.errors import InvalidInput, ModelyardError, TooLarge, UnsupportedFormat
from modelyard.serving.edge import Receive

JSON_BYTES = 1 << 20
BATCH_BYTES = 8 << 20
INPUT_BYTES = 32 << 20
"""What descriptions of data sets may take, which MLflow's clients send with their schema and profile."""
READ_SECONDS = 30.0
"""The longest pause within a body."""
PIECE = 1 << 20
"""The largest piece that an unpacked body is handed on in."""

MAX_HEADERS = 100
HEADER_BYTES = 16 << 10
QUERY_BYTES = 8 << 10
PATH_BYTES = 8 << 10


def check_head(scope: MutableMapping[str, Any]) -> None:
    """Refuse what no client of ours sends: too many or too long headers, a long address, control characters in it."""
    headers = scope["headers"]
    if len(headers) > MAX_HEADERS:
        raise InvalidInput(f"more than {MAX_HEADERS} headers", limit=MAX_HEADERS)
    if sum(len(name) + len(value) for name, value in headers) > HEADER_BYTES:
        raise TooLarge(f"the headers take more than {HEADER_BYTES} bytes", limit=HEADER_BYTES)
    if len(scope["query_string"]) > QUERY_BYTES:
        raise TooLarge(f"the query is longer than {QUERY_BYTES} bytes", limit=QUERY_BYTES)
    if len(scope.get("raw_path") or b"") > PATH_BYTES:
        raise TooLarge(f"the path is longer than {PATH_BYTES} bytes", limit=PATH_BYTES)
    # A route's pattern would drop one newline at the end, and no name has any of these.
    if any(c < " " or c == "\x7f" for c in scope["path"]):
        raise InvalidInput("the path has a control character")
    if "\ufffd" in scope["path"] or any("\ud800" <= c <= "\udfff" for c in scope["path"]):
        raise InvalidInput("the path is not UTF-8")
    try:
        unquote_to_bytes(scope["query_string"]).decode()
    except UnicodeDecodeError:
        raise InvalidInput("the query is not UTF-8") from None


class Body:
    """The ``receive`` of a request. ``limit`` is what all bodies may have until a route that takes more says so."""

    def __init__(self, receive: Receive, headers: Mapping[bytes, bytes]) -> None:
        self.limit: int | None = JSON_BYTES
        self.refused = False
        self._receive = receive
        self._length = _length(headers)
        self._unpack = _unpacker(headers)
        self._packed = b""
        self._size = 0
        self._ended = False

    def allow(self, limit: int | None) -> None:
        """A route's own limit; None is for bodies that are not kept in memory. `TooLarge` when the length that the
        client told is over it."""
        self.limit = limit
        if self.limit is not None and self._length > self.limit:
            raise self._too_large(self.limit)

    async def __call__(self) -> MutableMapping[str, Any]:
        if self._unpack is not None:
            return await self._unpacked()
        message = await self._next()
        if message["type"] == "http.request":
            self._count(len(message.get("body", b"")))
        return message

    async def _next(self) -> MutableMapping[str, Any]:
        if self._ended:
            return await self._receive()  # waits for the client to hang up
        try:
            async with asyncio.timeout(READ_SECONDS):
                message = await self._receive()
        except TimeoutError:
            raise self._refuse(
                InvalidInput(f"the body paused for {READ_SECONDS:g} s", hint="send it again")
            ) from None
        self._ended = message["type"] != "http.request" or not message.get("more_body")
        return message

    async def _unpacked(self) -> MutableMapping[str, Any]:
        assert self._unpack is not None
        if not self._packed and not self._unpack.eof:
            if self._ended:
                raise self._refuse(InvalidInput("the gzip body is cut short"))
            message = await self._next()
            if message["type"] != "http.request":
                return message
            self._packed = message.get("body", b"")
        elif self._ended and not self._packed:
            return await self._receive()
        try:
            piece = self._unpack.decompress(self._packed, PIECE)
        except zlib.error:
            raise self._refuse(InvalidInput("the body says that it is gzip, and is not")) from None
        self._packed = self._unpack.unconsumed_tail
        if self._unpack.unused_data:
            raise self._refuse(InvalidInput("the gzip body is followed by something else"))
        self._count(len(piece))
        more = not (self._ended and self._unpack.eof and not self._packed)
        return {"type": "http.request", "body": piece, "more_body": more}

    def _count(self, size: int) -> None:
        self._size += size
        if self.limit is not None and self._size > self.limit:
            raise self._too_large(self.limit)

    def _too_large(self, limit: int) -> ModelyardError:
        return self._refuse(
            TooLarge(
                f"the body is larger than {limit} bytes", hint="send less at a time", limit=limit
            )
        )

    def _refuse(self, error: ModelyardError) -> ModelyardError:
        self.refused = True
        return error


def _length(headers: Mapping[bytes, bytes]) -> int:
    told = headers.get(b"content-length", b"0")
    return int(told[:20]) if told.isdigit() else 0


def _unpacker(headers: Mapping[bytes, bytes]) -> Any:
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding == b"identity":
        return None
    if encoding in (b"gzip", b"x-gzip"):
        return zlib.decompressobj(wbits=31)
    raise UnsupportedFormat(
        f"content-encoding {encoding[:40].decode('latin-1')!r} is not supported", hint="gzip is"
    )
