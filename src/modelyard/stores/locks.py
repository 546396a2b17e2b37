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
        _lock(stream, shared=shared)
        if _is_there(stream, file):
            return stream
    except OSError:
        pass
    stream.close()
    return None


def waited_for(file: Path) -> IO[bytes]:
    """The same, however long others have it. Its folder must be there."""
    while True:
        stream = file.open("ab")
        _lock(stream, wait=True)
        if _is_there(stream, file):
            return stream
        stream.close()


def _is_there(stream: IO[bytes], file: Path) -> bool:
    """Who waited may hold a file that was removed meanwhile, which keeps nobody out."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(stream.fileno()), file.stat())
    return False


def _lock(stream: IO[bytes], *, shared: bool = False, wait: bool = False) -> None:
    if os.name == "nt":
        import msvcrt

        if not shared:
            how = msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK  # type: ignore[attr-defined]  # only there
            msvcrt.locking(stream.fileno(), how, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(stream.fileno(), how if wait else how | fcntl.LOCK_NB)
