"""Generators of models, each run in a thread of its own and read on the event loop.

A thread is at most `AHEAD` items in front of whoever reads: a slow reader holds the generator up instead of filling memory. A
reader that stops closes the generator, as soon as the item it is at is made.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any

from modelyard.base.errors import ModelFailed, ModelyardError, Overloaded
from modelyard.serving.interface import Limits, Request

logger = logging.getLogger("modelyard.serving")

AHEAD = 16
"""Items that are made before they are asked for."""


class Streams:
    """The generators that run now. At most ``limits.streams`` of one model; others wait for their turn."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._free: dict[str, asyncio.Semaphore] = {}
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def running(self) -> int:
        """How many generators run."""
        return self._running

    async def idle(self) -> None:
        """Wait until none runs."""
        await self._idle.wait()

    async def read(
        self,
        request: Request,
        items: Callable[[], Iterator[Any]],
        seconds: float | None = None,
    ) -> AsyncGenerator[Any]:
        """What ``items()`` yields in its thread; its errors, which must be ours. Close it when you stop reading.

        Raises `Overloaded` when no thread was free in time, and when the stream's own time is up.
        """
        free = self._free.setdefault(request.model, asyncio.Semaphore(self._limits.streams))
        await self._turn(free, request)
        stream = _Stream(items, request.request_id, on_end=lambda: self._ended(free))
        until = asyncio.get_running_loop().time() + _left(
            request, seconds or self._limits.stream_seconds
        )
        self._running += 1
        self._idle.clear()
        stream.start()
        try:
            while (item := await stream.next(until)) is not _END:
                yield item
        finally:
            stream.stop()

    async def _turn(self, free: asyncio.Semaphore, request: Request) -> None:
        try:
            async with asyncio.timeout(_left(request, self._limits.wait_seconds)):
                await free.acquire()
        except TimeoutError:
            raise Overloaded(
                f"{self._limits.streams} streams of model '{request.model}' run already",
                hint="try again in 1 s",
                retry_after=1,
            ) from None

    def _ended(self, free: asyncio.Semaphore) -> None:
        free.release()
        self._running -= 1
        if not self._running:
            self._idle.set()


def _left(request: Request, seconds: float) -> float:
    if request.deadline is None:
        return seconds
    return max(0.0, min(seconds, request.deadline - time.monotonic()))


_END = object()


class _Stream:
    """One generator in one thread. ``on_end`` is called on the loop when the thread is through."""

    def __init__(
        self, items: Callable[[], Iterator[Any]], name: str, *, on_end: Callable[[], None]
    ) -> None:
        self._items = items
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._made: deque[Any] = deque()
        self._news = asyncio.Event()
        self._room = threading.Semaphore(AHEAD)
        self._stopped = False
        self._over = False
        self._taken = 0
        self._error: ModelyardError | None = None
        # A daemon: a generator that hangs cannot keep the process alive.
        self._thread = threading.Thread(target=self._work, name=f"stream-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Have the generator closed."""
        self._stopped = True
        self._made.clear()
        self._room.release()

    async def next(self, until: float) -> Any:
        """The next item, or `_END`; the error that ended it. `Overloaded` when the loop's clock passes ``until``."""
        self._taken += 1
        if self._taken % AHEAD == 0:  # a quick generator must not keep the loop from everybody else
            await asyncio.sleep(0)
        # The clock is around this wait alone: around a ``yield`` it would stop the reader, wherever that is by then.
        if not self._made:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._anything()
        if self._loop.time() >= until:
            raise Overloaded("the time for this stream is up", retry_after=1)
        if self._made:
            self._room.release()
            return self._made.popleft()
        if self._error is not None:
            raise self._error
        return _END

    async def _anything(self) -> None:
        """Wait for an item or the end."""
        while not self._made and not self._over:
            # Looked at again after clearing: what the thread does between two lines wakes us, or is seen.
            self._news.clear()
            if not self._made and not self._over:
                await self._news.wait()

    def _work(self) -> None:
        try:
            with contextlib.closing(self._items()) as items:  # type: ignore[type-var]  # a generator
                self._make(items)
        except ModelyardError as error:
            self._error = error
        except BaseException as error:
            logger.error("%s", self._thread.name, exc_info=error)
            self._error = ModelFailed(f"the model raised {type(error).__name__}")
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            self._loop.call_soon_threadsafe(self._finish)

    def _make(self, items: Iterator[Any]) -> None:
        while self._room.acquire() and not self._stopped:
            try:
                item = next(items)
            except StopIteration:
                return
            self._made.append(item)
            if not self._news.is_set():
                self._loop.call_soon_threadsafe(self._news.set)

    def _finish(self) -> None:
        self._over = True
        self._news.set()
        self._on_end()
