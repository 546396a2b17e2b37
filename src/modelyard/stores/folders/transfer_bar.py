"""A progress bar for a transfer: on stderr, for people only, and only where it takes long enough to wonder."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Self

AFTER = 0.7
"""Seconds before it is shown."""
INTERVAL = 0.2
WIDTH = 24


class Bar:
    """Bytes done of so many; threads may add to it."""

    def __init__(self, label: str, total: int) -> None:
        self._label, self._total, self._done, self._first = label, total, 0, 0
        self._lock = threading.Lock()
        self._shown = sys.stderr.isatty() and os.environ.get("MODELYARD_QUIET") != "1"
        self._began = time.monotonic()
        self._next = self._began + AFTER
        self._drawn = False

    def start(self, done: int) -> None:
        """Begin with what is here already."""
        self._done = self._first = done
        self._began = time.monotonic()

    def add(self, count: int) -> None:
        """So many bytes more."""
        with self._lock:
            self._done += count
            now = time.monotonic()
            if self._shown and now >= self._next:
                self._next = now + INTERVAL
                self._draw(now)

    def _draw(self, now: float) -> None:
        self._drawn = True
        share = min(1.0, self._done / self._total) if self._total else 1.0
        rate = (self._done - self._first) / max(now - self._began, 1e-9)
        bar = "█" * round(share * WIDTH)
        sys.stderr.write(
            f"\r{_short(self._label)} {bar:·<{WIDTH}} {share:4.0%} of {_size(self._total)}, {_size(rate)}/s "
        )
        sys.stderr.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawn:
            self._draw(time.monotonic())
            sys.stderr.write("\n")


def _short(label: str, most: int = 40) -> str:
    return label if len(label) <= most else f"…{label[1 - most :]}"


def _size(count: float) -> str:
    """Bytes for people.

    >>> _size(200_000_000)
    '200.0 MB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.{0 if unit == 'B' else 1}f} {unit}"
