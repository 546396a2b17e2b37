"""The life of a process that serves, whatever speaks HTTP in it: said when it is up, ended in order after a signal (P18)."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Protocol

TICK_SECONDS = 0.1
LAME_TICKS = 3
"""Ticks between 'not ready' and 'not listening': connections that wait in the kernel's queue are still served."""


class Drained(Protocol):
    """What is served, as its process sees it."""

    @property
    def ready(self) -> bool:
        """Whether it answers requests now."""
        ...

    def drain(self) -> None:
        """Stop being ready, and ask clients to close their connections. Called more than once."""
        ...


class Life:
    """What a server asks each `TICK_SECONDS`: whether it is time to stop listening."""

    def __init__(
        self,
        service: Drained,
        on_ready: Callable[[], object],
        stop: threading.Event | None = None,
        beat: Callable[[], object] | None = None,
    ) -> None:
        """``beat`` is called once a second, ``on_ready`` once."""
        self.forced = False
        """Somebody means it: nothing is waited for."""
        self._service = service
        self._on_ready = on_ready
        self._told = False
        self._beat = beat or (lambda: None)
        self._stop = stop or threading.Event()
        self._lame_ticks = 0

    @contextlib.contextmanager
    def signals(self, handle: Callable[[int, FrameType | None], object]) -> Iterator[None]:
        """Let SIGINT and SIGTERM end it, where this is the main thread; ``handle`` calls `end`."""
        # Unlike servers' own handlers, this does not raise the signal again at the end: an orderly stop is exit code 0.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {n: signal.signal(n, handle) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def end(self, sig: int, frame: FrameType | None = None) -> None:
        """A signal asks for the end."""
        # A second Ctrl+C means it.
        self.forced = self._stop.is_set() and sig == signal.SIGINT
        self._stop.set()

    async def tick(self, counter: int) -> bool:
        """Say that we are up, once; after a signal, count down to the end. True when it is there."""
        if counter % 10 == 0:
            self._beat()
        if self._service.ready and not self._told:
            self._told = True
            if threading.current_thread() is threading.main_thread():
                # What is loaded by now stays, and the process is ours: without it full collections are quick,
                # with it each stops all requests for a tenth of a second. As one would here, for some hundred objects.
                gc.freeze()
                gc.enable()
            await asyncio.to_thread(self._on_ready)
        if self._stop.is_set():
            self._service.drain()
            self._lame_ticks += 1
        return self._lame_ticks > LAME_TICKS or self.forced
