"""A file that is coming, part by part: what a killed download leaves is gone on with by the next one.

Beside the blobs of the cache lie ``partial/<sha256>``, as long as the file will be, and ``partial/<sha256>.parts``, a line
for each part that is written. One process at a time holds them; whoever waited finds the file in the cache. Nothing
here is believed: the whole is verified when its last part is there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from modelyard.base.clock import now_ms
from modelyard.base.digests import CHUNK, FileEntry
from modelyard.stores.locks import waited_for
from modelyard.stores.putting import ABANDONED_MS, checked


@contextlib.contextmanager
def partial(folder: Path, entry: FileEntry, part_size: int) -> Iterator[Partial]:
    """The file that is coming, held by this process until the end of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    file = folder / checked(entry.sha256)
    lock_file = folder / f"{file.name}.lock"
    with waited_for(lock_file):
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        try:
            yield Partial(file, descriptor, entry, part_size)
        finally:
            os.close(descriptor)
            with contextlib.suppress(OSError):  # Windows, while it is open
                lock_file.unlink()


def _sweep(folder: Path) -> None:
    """Remove what has not grown for a day."""
    limit = now_ms() - ABANDONED_MS
    for file in folder.iterdir():
        with contextlib.suppress(OSError):  # another process is at it too
            if file.lstat().st_mtime_ns // 1_000_000 < limit:
                file.unlink()


class Partial:
    """Which parts are here, and where to write the others."""

    def __init__(self, file: Path, descriptor: int, entry: FileEntry, part_size: int) -> None:
        self._file, self._descriptor, self._entry = file, descriptor, entry
        self._list = file.with_name(f"{file.name}.parts")
        self.part_size = part_size
        self.count = -(-entry.size // part_size)
        self.done = self._read_list()
        self.resumed = bool(self.done)
        """Whether anything was here before."""
        os.truncate(descriptor, entry.size)

    def _read_list(self) -> set[int]:
        """The parts of an earlier download; none of one that was cut into parts otherwise."""
        try:
            first, *lines = self._list.read_text("ascii").split("\n")
        except (OSError, UnicodeDecodeError):
            return set()
        # A line that was being written has no end yet, and is the last.
        numbers = {int(line) for line in lines[:-1] if line.isdecimal() and len(line) < 12}
        there = os.fstat(self._descriptor).st_size == self._entry.size
        if first != self._head() or not there:
            self._list.unlink()
            return set()
        return {n for n in numbers if n < self.count}

    def _head(self) -> str:
        return f"{self._entry.size} bytes in parts of {self.part_size}"

    def bounds(self, number: int) -> tuple[int, int]:
        """Where a part begins, and how long it is."""
        start = number * self.part_size
        return start, min(self.part_size, self._entry.size - start)

    def write(self, at: int, data: bytes) -> None:
        """Put bytes in their place."""
        view = memoryview(data)
        while view:
            written = _write_at(self._descriptor, view, at)
            view, at = view[written:], at + written

    def finish(self, number: int) -> None:
        """Remember that a part is written."""
        fresh = not self.done
        self.done.add(number)
        with self._list.open("w" if fresh else "a", encoding="ascii", newline="\n") as file:
            file.write(f"{self._head()}\n{number}\n" if fresh else f"{number}\n")

    def digest(self) -> Digest:
        """The digest of the file, to be taken while it grows."""
        return Digest(self)

    def read(self, at: int, length: int) -> bytes:
        """Bytes that were written."""
        return _read_at(self._descriptor, length, at)

    def forget(self) -> None:
        """Begin anew."""
        self._list.unlink(missing_ok=True)
        self.done, self.resumed = set(), False

    def take(self) -> Path:
        """The file, finished; the list of its parts goes. It need not be on the disk: whoever opens a file of the cache
        verifies it."""
        self._list.unlink(missing_ok=True)
        return self._file


class Digest:
    """Hashes the parts in order, as far as they are there without a gap."""

    def __init__(self, coming: Partial) -> None:
        self._coming, self._next, self._hash = coming, 0, hashlib.sha256()

    def go_on(self) -> None:
        """Take in what has come."""
        while self._next in self._coming.done:
            start, length = self._coming.bounds(self._next)
            for at in range(start, start + length, CHUNK):
                self._hash.update(self._coming.read(at, min(CHUNK, start + length - at)))
            self._next += 1

    def hexdigest(self) -> str:
        """Of what was taken in."""
        return self._hash.hexdigest()


_seeking = threading.Lock()


def _write_at(descriptor: int, data: memoryview, at: int) -> int:
    if hasattr(os, "pwrite"):
        return os.pwrite(descriptor, data, at)
    with _seeking:  # Windows has one place in a file for all threads
        os.lseek(descriptor, at, os.SEEK_SET)
        return os.write(descriptor, data)


def _read_at(descriptor: int, length: int, at: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, length, at)
    with _seeking:
        os.lseek(descriptor, at, os.SEEK_SET)
        return os.read(descriptor, length)
