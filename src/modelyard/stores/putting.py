"""What every store does when bytes come in."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from typing import IO, cast

from modelyard.base.digests import CHUNK, sha256_stream
from modelyard.base.errors import DigestMismatch, InvalidInput
from modelyard.stores.interface import Before, Blob

ABANDONED_MS = 24 * 3600 * 1000
"""An upload that has not moved for this long is dead, and what it left may be swept away."""

_HEX = frozenset("0123456789abcdef")


def checked(sha256: str) -> str:
    """The digest itself, or `InvalidInput` when it is not 64 lower-case hex digits."""
    if len(sha256) != 64 or not _HEX.issuperset(sha256):
        raise InvalidInput(f"{sha256[:80]!r} is not a sha256: 64 lower-case hex digits are")
    return sha256


def whole_chunks(stream: IO[bytes], size: int = CHUNK) -> Iterator[bytes]:
    """The rest of a stream in pieces of exactly ``size`` bytes, the last one shorter; none for an empty stream."""
    while piece := stream.read(size):
        while len(piece) < size and (more := stream.read(size - len(piece))):
            piece += more  # a pipe or socket gives what it has
        yield piece


def matched(found: str, expect: str | None) -> None:
    """`DigestMismatch` when what was put is not what was announced."""
    if expect is not None and found != expect:
        raise DigestMismatch(
            f"sha256:{expect} was announced and sha256:{found} came; nothing was kept",
            digest=expect,
        )


def seen_before(
    stream: IO[bytes],
    stat: Callable[[str], Blob | None],
    before: Before | None,
    expect: str | None,
) -> Blob | None:
    """What ``stat`` says about the rest of a seekable stream, which is left where it was; None for one that passes
    only once. ``before`` is told first, and then the store is asked again: until it was told, gc may take the blob.
    Other content than expected is refused as in `matched`."""
    if not stream.seekable():
        return None
    start = stream.tell()
    digest, _ = sha256_stream(stream)
    stream.seek(start)
    known = stat(digest)
    if known is not None and before is not None:
        before(known)
        known = stat(digest)
    if known is not None:
        matched(known.sha256, expect)
    return known


def told(before: Before | None, blob: Blob) -> None:
    """Tell whoever asked that a blob is about to be seen."""
    if before is not None:
        before(blob)


def measured(stream: IO[bytes], size: int | None) -> tuple[IO[bytes], int | None]:
    """A stream and its length, where it was announced or can be seen; `InvalidInput` when the two differ, at the
    latest when the end is read."""
    if stream.seekable():
        start = stream.tell()
        rest = stream.seek(0, os.SEEK_END) - start
        stream.seek(start)
        if size is not None and rest != size:
            raise InvalidInput(f"{size} bytes were announced, and there are {rest}")
        return stream, rest
    return (stream if size is None else cast(IO[bytes], _Counted(stream, size))), size


class _Counted(io.RawIOBase):
    """A stream that ends where it was said to end, or raises."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream, self._size, self._left = stream, size, size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        piece = self._stream.read(size)
        self._left -= len(piece)
        if self._left < 0 or (not piece and size and self._left):
            more = "more" if self._left < 0 else "fewer"
            raise InvalidInput(f"{self._size} bytes were announced, and {more} came")
        return piece
