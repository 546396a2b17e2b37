"""Single keys, as they are pressed, and how long to wait for one. Where there is no terminal nobody presses any."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

INTERRUPT = b"\x03"

_LOOK_SECONDS = 0.25
"""How long it takes at most until something else than a key is noticed."""


class Keys:
    """Waits for keys and for changes of the window's size. Ctrl-C interrupts where one waits, and nothing else; at once, when
    it is pressed again before that."""

    def __init__(self, descriptor: int | None, waker: int | None) -> None:
        self._descriptor, self._waker = descriptor, waker

    def wait(self, seconds: float) -> str:
        """The key that is pressed within so many seconds; ``resized`` for another size of the window; else ``""``."""
        watched = [d for d in (self._descriptor, self._waker) if d is not None]
        seconds = max(0.0, min(seconds, _LOOK_SECONDS))
        if not watched:
            time.sleep(seconds)
            return ""
        ready, _, _ = select.select(watched, [], [], seconds)
        if self._waker in ready and self._waker is not None:
            if INTERRUPT in os.read(self._waker, 4096):
                raise KeyboardInterrupt
            return "resized"
        if self._descriptor in ready and self._descriptor is not None:
            data = os.read(self._descriptor, 64)
            if not data:  # nobody will ever press a key again
                self._descriptor = None
            return data.decode("utf-8", "replace")
        return ""


@contextlib.contextmanager
def keys(*, pressed: bool = True) -> Iterator[Keys]:
    """Keys come at once and unseen while this is open; the terminal is as it was afterwards. Unless keys are ``pressed``,
    as where nothing is drawn, it is left alone: who writes to a file may do so in the background."""
    try:
        import termios
        import tty
    except ImportError:  # Windows: Ctrl-C ends what is shown
        yield Keys(None, None)
        return
    descriptor = sys.stdin.fileno() if pressed and sys.stdin.isatty() else None
    before: list[Any] | None = None
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def told(number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(OSError):
            os.write(writing, INTERRUPT if number == signal.SIGINT else b"r")
        if number == signal.SIGINT:
            signal.signal(number, handlers[number])

    handlers: dict[int, Any] = {n: signal.signal(n, told) for n in (signal.SIGWINCH, signal.SIGINT)}
    try:
        if descriptor is not None:
            before = termios.tcgetattr(descriptor)
            tty.setcbreak(descriptor)
        yield Keys(descriptor, reading)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if descriptor is not None and before is not None:
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        os.close(reading)
        os.close(writing)
