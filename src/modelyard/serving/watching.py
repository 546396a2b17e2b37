"""Looks after requests that take their time: bodies that do not come, clients that hang up while they wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from modelyard.base.errors import InvalidInput

WATCH_AFTER = 0.1
"""Seconds until a waiting client is watched for hanging up; quick answers do not pay for it."""


class HungUp(Exception):
    """The client is gone: there is nobody to answer."""


class Watch:
    """Looks after one request that takes its time: a body that does not come, a client that hangs up while it waits.

    Then the request's task is cancelled, which also frees its place in a queue, and `verdict` says why. Quick requests pay for
    one timer and nothing else.
    """

    def __init__(
        self, receive: Callable[[], Awaitable[MutableMapping[str, Any]]], read_seconds: float
    ) -> None:
        task = asyncio.current_task()
        assert task is not None, "ASGI servers run each request in a task"
        self._task = task
        self._receive = receive
        self._read_seconds = read_seconds
        self._loop = asyncio.get_running_loop()
        self._reading = True
        self._slow = False
        self._verdict: Exception | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(WATCH_AFTER, self._look)

    def body_is_here(self) -> None:
        """From now on the client can only wait, or hang up."""
        self._reading = False
        if self._slow:
            self._timer.cancel()
            self._timer = self._loop.call_later(WATCH_AFTER, self._look)

    def verdict(self) -> BaseException:
        """Why the task was cancelled: by this watch, or (the server stops) by somebody else."""
        if self._verdict is None:
            return asyncio.CancelledError()
        self._task.uncancel()
        return self._verdict

    def close(self) -> None:
        """The request is answered, or given up."""
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()

    def _look(self) -> None:
        if self._reading:
            self._slow = True
            self._timer = self._loop.call_later(self._read_seconds, self._too_slow)
        else:
            self._watcher = self._loop.create_task(self._hear())

    def _too_slow(self) -> None:
        if self._reading:
            self._end(InvalidInput(f"the body did not arrive in {self._read_seconds:g} s"))

    async def _hear(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._end(HungUp())

    def _end(self, verdict: Exception) -> None:
        self._verdict = verdict
        self._task.cancel()
