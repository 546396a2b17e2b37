"""Writing a spool: a record is bytes in a mapped file before the call returns, so that only the machine's own end loses it.

There is no system call for a record but one each megabyte. When there is no room (a full disk, or as much as a spool may
take), metrics are dropped and counted; the end of each segment is kept for other records, which are few and matter more.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import threading
import time
from pathlib import Path
from zlib import crc32

from modelyard.tracking.spool import board as counts
from modelyard.tracking.spool.board import Board, put_u64, reserve
from modelyard.tracking.spool.format import (
    CRC,
    HEAD,
    HEADED_POINT,
    MAGIC,
    MARK,
    POINT,
    POINT_BYTES,
    SEGMENT,
    START,
    TOLD,
    room_of,
    texts,
)
from modelyard.tracking.spool.places import BOARD, SUFFIX

KEPT_FOR_OTHERS = 1 << 16
"""Bytes at the end of a segment that metrics get only when the next segment is there."""
MOST_TEXTS = 10_000
PAUSE = 1.0
"""Seconds until room is looked for again."""


class SpoolWriter:
    """One process' records. Threads may share it."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder, self._most = folder, most_bytes
        self.board = Board(str(folder / BOARD), make=True)
        self._page = self.board.page
        self._lock = threading.Lock()
        self._texts: dict[tuple[str, str], bytes] = {}
        self._map: mmap.mmap | None = None
        self._fd = -1
        self._at = self._end_of_points = self._size = 0
        self._look_again = 0.0
        self._next: tuple[int, Path] | None = None
        self.number = self.dropped = self.untold = 0
        self.reason = ""
        """Why something was dropped."""
        try:
            self._begin(0)
        except OSError:
            self.board.close()
            raise

    def point(self, run_id: str, key: str, value: float, at_ms: int, step: int) -> None:
        """A metric's point. ``struct.error`` for numbers that do not fit."""
        suffix = self._texts.get((run_id, key)) or self._new_texts(run_id, key)
        size = POINT_BYTES + len(suffix)
        with self._lock:
            number = self.number + 1
            body = HEADED_POINT.pack(size, number, MARK, POINT, value, at_ms, step) + suffix
            if self._at + 4 + len(body) > self._end_of_points and not self._room_for(size, True):
                self.dropped += 1
                put_u64(self._page, counts.DROPPED, self.dropped)
                return
            self._put(body, number)

    def told(self, payload: bytes) -> bool:
        """Any other record; False when there was no room."""
        with self._lock:
            number = self.number + 1
            body = HEAD.pack(len(payload), number, MARK, TOLD) + payload
            if self._at + 4 + len(body) > self._size and not self._room_for(len(payload), False):
                self.untold += 1
                put_u64(self._page, counts.UNTOLD, self.untold)
                return False
            self._put(body, number)
            return True

    def _put(self, body: bytes, number: int) -> None:
        assert self._map is not None
        start = self._at
        end = start + 4 + len(body)
        self._map[start + 4 : end] = body
        CRC.pack_into(self._map, start, crc32(body))
        self._at, self.number = (end + 7) & -8, number
        put_u64(self._page, counts.WRITTEN, number)  # from now on a reader counts on it

    def _new_texts(self, run_id: str, key: str) -> bytes:
        if len(self._texts) >= MOST_TEXTS:
            self._texts.clear()
        made = self._texts[(run_id, key)] = texts(run_id, key)
        return made

    # Room

    def _room_for(self, payload: int, point: bool) -> bool:
        """Make room for a record; the lock is held."""
        needed = room_of(payload)
        now = time.monotonic()
        if now < self._look_again and (point or self._look_again == float("inf")):
            return False  # nothing is begun in a spool that was closed: nobody would read it
        try:
            if point and self._at + needed <= self._size:
                self._next = self._next or self._allocated(0)
                self._end_of_points = self._size
                return True
            self._begin(needed, within=self._most if point else 2 * self._most)
        except OSError as error:
            self.reason = error.strerror or str(error)
            self._look_again = now + PAUSE
            return False
        return True

    def _begin(self, needed: int, within: int = 0) -> None:
        """Go on in a new segment."""
        if self._next is None or START + needed > SEGMENT:
            fd, path = self._allocated(START + needed, within)
        else:
            (fd, path), self._next = self._next, None
        size = os.fstat(fd).st_size
        fresh = mmap.mmap(fd, size)
        fresh[: len(MAGIC)] = MAGIC
        path.rename(self.folder / f"{self.number + 1:016x}{SUFFIX}")
        self._let_go()
        self._map, self._fd, self._size, self._at = fresh, fd, size, START
        self._end_of_points = max(START, size - KEPT_FOR_OTHERS)

    def _allocated(self, size: int, within: int = 0) -> tuple[int, Path]:
        size = max(SEGMENT, size)
        if self.number and self.bytes_used() + size > (within or self._most):
            raise OSError(0, f"the spool has its {self._most >> 20} MB")
        path = self.folder / f"next-{self.number}.tmp"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            reserve(fd, size)
        except OSError:
            os.close(fd)
            path.unlink()
            raise
        return fd, path

    def bytes_used(self) -> int:
        """What the segments take on the disk."""
        used = 0
        with os.scandir(self.folder) as found:
            for entry in found:
                if entry.name.endswith(SUFFIX):
                    with contextlib.suppress(FileNotFoundError):  # a sender removes what was sent
                        used += entry.stat().st_size
        return used

    # The end

    def sync(self) -> None:
        """To the disk: from now on the end of the machine loses nothing either."""
        with self._lock:
            fd = -1 if self._fd < 0 else os.dup(self._fd)
        if fd >= 0:
            try:
                getattr(os, "fdatasync", os.fsync)(fd)
            finally:
                os.close(fd)
        self.board.sync()

    def _let_go(self) -> None:
        if self._map is not None:
            self._map.close()
            os.close(self._fd)
        self._map, self._fd = None, -1

    def close(self) -> None:
        """Let go of the files; nothing is told any more."""
        with self._lock:
            self._let_go()
            self._size = self._at = self._end_of_points = 0
            self._look_again = float("inf")
            self._drop_next()

    def abandon(self) -> None:
        """In a forked child: let go of what is the parent's, and touch none of it. Whoever held the lock is not here."""
        self._let_go()
        if self._next is not None:
            os.close(self._next[0])
        self.board.close()

    def _drop_next(self) -> None:
        if self._next is not None:
            (fd, path), self._next = self._next, None
            os.close(fd)
            path.unlink(missing_ok=True)
