"""What is sent, as a stream that a function in a thread reads while it arrives: no more of it is gathered than two pieces."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator

PIECE = 1 << 20
"""Bytes that are handed over at once: each handing over costs a change of threads."""


class Arriving(io.RawIOBase):
    """The body of a request, made in the loop and read in a thread. While the thread hashes and writes a piece, the loop
    takes in the next one and no more, so that a fast client waits. `release` it when the thread is done.

    When the client is gone the reader gets an error, never an early end.
    """

    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self._parts = parts
        self._loop = asyncio.get_running_loop()
        self._ahead: asyncio.Task[bytes] | None = None
        self._ended = False
        self._rest = b""
        """What came beyond the piece before."""
        self._held = b""
        """What the thread has not read of its piece."""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(PIECE), b""))
        if size and not self._held:
            self._held = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
        piece, self._held = self._held[:size], self._held[size:]
        return piece

    async def release(self) -> None:
        """Take in no more."""
        if self._ahead is not None:
            self._ahead.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._ahead

    async def _next(self) -> bytes:
        piece = await (self._ahead or self._gather())
        self._ahead = asyncio.create_task(self._gather()) if piece else None
        return piece

    async def _gather(self) -> bytes:
        parts, held = [self._rest], len(self._rest)
        while held < PIECE and not self._ended:
            part = await anext(self._parts, None)
            if part is None:
                self._ended = True
            else:
                parts.append(part)
                held += len(part)
        whole = b"".join(parts)
        self._rest = whole[PIECE:]
        return whole[:PIECE]
