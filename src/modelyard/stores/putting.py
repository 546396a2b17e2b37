"""What every store does when bytes come in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO

from modelyard.base.digests import CHUNK, sha256_stream
from modelyard.base.errors import Corrupted, InvalidInput
from modelyard.stores.interface import Blob

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


def matched(found: str, expect: str | None, where: str) -> None:
    """`Corrupted` when what was put is not what was announced."""
    if expect is not None and found != expect:
        raise Corrupted(
            f"{where} was to get sha256:{expect} and got sha256:{found}; nothing was kept",
            digest=expect,
        )


def seen_before(stream: IO[bytes], stat: Callable[[str], Blob | None]) -> Blob | None:
    """What ``stat`` says about the rest of a seekable stream, which is left where it was; None for one that passes
    only once."""
    if not stream.seekable():
        return None
    start = stream.tell()
    digest, _ = sha256_stream(stream)
    stream.seek(start)
    return stat(digest)
