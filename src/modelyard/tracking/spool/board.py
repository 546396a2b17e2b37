"""The board: one page of counters that the writing and the sending process share in memory, each writing its own part.

It is a file, so that it outlives both. Nothing is lost with it but counts: records tell their own numbers.
"""

from __future__ import annotations

import mmap
import os
import struct

SIZE = 4096
WRITTEN, DROPPED, UNTOLD, ENDED_MS, KILLED_MS, HURRY = 8, 16, 24, 32, 40, 48
"""The writer's: the last number; metrics and other records for which there was no room; when it ended, and was told to
by SIGTERM; up to which number somebody waits."""
ACKED, PROGRESS, FAILED, REFUSED, LOST = 128, 136, 144, 152, 160
"""The sender's: the last number the destination has; how often it got on, and how often it tried in vain; records
refused; records damaged."""
WHY_AWAY, WHY_REFUSED = 1024, 2048
"""Where the sender says what keeps it, and what the destination refused first."""
_MOST = 1000
_U64 = struct.Struct("<Q")
_U16 = struct.Struct("<H")
put_u64 = _U64.pack_into


class Board:
    """The counters of one spool."""

    def __init__(self, path: str, *, make: bool = False) -> None:
        """`OSError` when there is none, or no room for one."""
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if make else 0)
        fd = os.open(path, flags, 0o600)
        try:
            reserve(fd, SIZE)
            self.page = mmap.mmap(fd, SIZE)
        finally:
            os.close(fd)

    def get(self, what: int) -> int:
        """A counter."""
        return _U64.unpack_from(self.page, what)[0]

    def put(self, what: int, value: int) -> None:
        """Write a counter of one's own."""
        put_u64(self.page, what, value)

    def say(self, where: int, text: str) -> None:
        """Tell the writer something for the person at the keyboard."""
        words = text.encode("utf-8", "replace")[:_MOST]
        self.page[where + 2 : where + 2 + len(words)] = words
        _U16.pack_into(self.page, where, len(words))

    def said(self, where: int) -> str:
        """What the sender told there; empty when nothing."""
        (length,) = _U16.unpack_from(self.page, where)
        words = self.page[where + 2 : where + 2 + min(length, _MOST)]
        return words.decode("utf-8", "replace")

    def sync(self) -> None:
        """To the disk."""
        self.page.flush()

    def close(self) -> None:
        """Let go of the page."""
        self.page.close()


def reserve(fd: int, size: int) -> None:
    """Make a file so long, with room on the disk for all of it: a full disk is an `OSError` here, not a crash when the
    memory that is mapped to it is written."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size)
        return
    missing = size - os.fstat(fd).st_size
    if missing > 0:
        os.lseek(fd, 0, os.SEEK_END)
        os.write(fd, bytes(missing))
