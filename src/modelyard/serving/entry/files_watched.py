"""Files that are read again when they change: keys are exchanged and withdrawn while a server runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

LOOK_SECONDS = 5.0
"""How often it is looked whether they changed."""

T = TypeVar("T")


class Watched(Generic[T]):
    """What ``read`` makes of some files, made again when one of them changes.

    The first reading raises what is wrong; later ones keep to what was right, and ``on_fault`` is told.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        read: Callable[[], T],
        on_fault: Callable[[Exception], object],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._paths = paths
        self._read = read
        self._on_fault = on_fault
        self._clock = clock
        self._looked = clock()
        self._stamp = self._stamped()
        self._value = read()

    @property
    def value(self) -> T:
        """What they say now, or said not longer than `LOOK_SECONDS` ago."""
        if self._paths and self._clock() - self._looked > LOOK_SECONDS:
            self._looked = self._clock()
            self._look()
        return self._value

    def _look(self) -> None:
        stamp = self._stamped()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._value = self._read()
        except Exception as error:  # noqa: BLE001  a half-written file must not end a server
            self._on_fault(error)

    def _stamped(self) -> list[object]:
        return [_stamp(path) for path in self._paths]


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
