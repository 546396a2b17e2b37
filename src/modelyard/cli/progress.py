"""A progress line on stderr: rows done and rows a second, redrawn a few times a second."""

from __future__ import annotations

import sys
import time
from typing import Self

INTERVAL = 0.2


class Progress:
    """Call it with the number of rows done so far; nothing is shown unless ``shown``."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._started = self._drawn = time.monotonic()
        self._rows = 0

    def __call__(self, rows: int) -> None:
        self._rows = rows
        now = time.monotonic()
        if self._shown and now - self._drawn >= INTERVAL:
            self._drawn = now
            self._draw(now)

    def _draw(self, now: float) -> None:
        rate = self._rows / max(now - self._started, 1e-9)
        sys.stderr.write(f"\r{self._rows:,} rows, {rate:,.0f} rows/s ")
        sys.stderr.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown and self._rows:
            self._draw(time.monotonic())
            sys.stderr.write("\n")
