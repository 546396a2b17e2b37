"""Read a blob and notice that it was damaged (P5): the reader that every store hands out.

Bytes are hashed in order as they pass. A read further on first hashes what it skips, so whoever gets the last byte of
a blob, in whatever order, gets `Corrupted` instead when any byte before it is wrong. Nothing is held in memory but the
part being read.
"""

from __future__ import annotations

import hashlib
import io
import os
from typing import IO, Protocol

from modelyard.base.digests import CHUNK
from modelyard.base.errors import Corrupted

_BUFFER = 1 << 17


class Bytes(Protocol):
    """Where the bytes are, for reading at any place."""

    size: int

    def at(self, position: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``position`` on, at least one before the end; fewer are no error."""
        ...

    def close(self) -> None: ...


class _BlobReader(io.RawIOBase):
    """A seekable stream over `Bytes`, verified when a digest is expected."""

    def __init__(self, source: Bytes, expect: str | None, where: str) -> None:
        self._source = source
        self._expect = expect
        self._where = where
        self._position = 0
        self._digest = hashlib.sha256()
        self._hashed = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._source.size}[whence]
        if base + offset < 0:
            raise ValueError(f"negative seek position {base + offset}")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # any writable buffer
        if not len(buffer):
            return 0
        if self._expect is not None:
            self._hash_up_to(min(self._position, self._source.size))
        data = self._source.at(self._position, len(buffer))
        if self._expect is not None:
            self._hash(self._position, data)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _hash_up_to(self, position: int) -> None:
        while self._hashed < position:
            start = self._hashed
            self._hash(start, self._source.at(start, min(CHUNK, position - start)))
            if self._hashed == start:
                self._refuse("it is shorter than it was")

    def _hash(self, start: int, data: bytes) -> None:
        """Take in what is new; at the end, compare. A reader that found damage finds it again on every read."""
        fresh = data[self._hashed - start :]
        self._digest.update(fresh)
        self._hashed += len(fresh)
        ended = self._hashed >= self._source.size or not data
        if ended and self._digest.hexdigest() != self._expect:
            self._refuse(f"its content has the sha256 {self._digest.hexdigest()}")

    def _refuse(self, reason: str) -> None:
        raise Corrupted(
            f"blob sha256:{self._expect} in {self._where} is damaged: {reason}",
            hint="restore it from a backup, or save it again",
            digest=self._expect,
        )

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


def reader(source: Bytes, sha256: str, where: str, *, verify: bool) -> IO[bytes]:
    """A buffered stream over a source; with ``verify`` it raises `Corrupted` at the last byte of other content."""
    return io.BufferedReader(_BlobReader(source, sha256 if verify else None, where), _BUFFER)
