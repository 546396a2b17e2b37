"""Locks between processes that go with the process that holds them, however it ends."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import IO

from modelyard.base.errors import TimedOut

_FIRST_WAIT, _LONGEST_WAIT = 0.01, 0.25


@contextlib.contextmanager
def locked(file: Path, what: str, seconds: float) -> Generator[None]:
    """Hold a file for oneself; `TimedOut` when others hold it for longer than ``seconds``."""
    deadline, pause = time.monotonic() + seconds, _FIRST_WAIT
    while (held := taken(file)) is None:
        if time.monotonic() > deadline:
            raise TimedOut(f"another process has held {what} for more than {seconds:g} s")
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_WAIT)
    with held:
        yield


def taken(file: Path, *, shared: bool = False) -> IO[bytes] | None:
    """The file, open and locked until it is closed; None when that cannot be now, or its folder is gone.

    A shared lock is held by many at once, and by none while somebody has it alone.
    """
    try:
        stream = file.open("ab")
    except FileNotFoundError:
        return None
    try:
        _lock(stream, shared)
        # Who waited may hold a file that was removed meanwhile, which keeps nobody out.
        if os.path.samestat(os.fstat(stream.fileno()), file.stat()):
            return stream
    except OSError:
        pass
    stream.close()
    return None


def _lock(stream: IO[bytes], shared: bool) -> None:
    if os.name == "nt":
        import msvcrt

        if not shared:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]  # only there
    else:
        import fcntl

        fcntl.flock(stream.fileno(), (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
