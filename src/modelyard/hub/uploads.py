"""What is sent, as a stream that a function in a thread reads while it arrives: nothing is gathered first."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from typing import IO, TypeVar, cast

from fastapi import Request

from modelyard.base.errors import InvalidInput

T = TypeVar("T")

PIECE = 1 << 20
"""Bytes that are handed over at once: each handing over costs a change of threads."""


async def read_in_thread(request: Request, function: Callable[[IO[bytes]], T]) -> T:
    """Run a function on the body of a request. It reads as the body comes, and no faster; when the client is gone
    it gets an error, never an early end."""
    incoming = _Incoming(request.stream(), asyncio.get_running_loop())
    return await asyncio.to_thread(function, cast(IO[bytes], incoming))


def told_length(request: Request) -> int | None:
    """The length that the client told, which its stream then has; None when it told none."""
    told = request.headers.get("content-length", "")
    if not told:
        return None
    if not told.isdecimal() or len(told) > 18:
        raise InvalidInput("the Content-Length is no length")
    return int(told)


class _Incoming(io.RawIOBase):
    def __init__(self, stream: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self._stream, self._loop = stream, loop
        self._held = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if size is None or size < 0:
            parts = [self._held]
            while not self._ended:
                parts.append(self._fetch(PIECE))
            self._held = b""
            return b"".join(parts)
        if not self._held and not self._ended and size:
            self._held = self._fetch(size)
        piece, self._held = self._held[:size], self._held[size:]
        return piece

    def _fetch(self, size: int) -> bytes:
        return asyncio.run_coroutine_threadsafe(self._gather(size), self._loop).result()

    async def _gather(self, size: int) -> bytes:
        parts: list[bytes] = []
        held = 0
        while held < min(size, PIECE):
            try:
                part = await anext(self._stream)
            except StopAsyncIteration:
                self._ended = True
                break
            parts.append(part)
            held += len(part)
        return b"".join(parts)
