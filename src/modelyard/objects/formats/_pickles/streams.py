"""The bytes of a pickle, unpacked when the file is compressed, as other tools write them (zlib, gzip, bz2, xz, lzma).

What a small file unpacks to is limited, as it is for zips.
"""

from __future__ import annotations

import bz2
import contextlib
import io
import lzma
import tempfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, cast

from modelyard.base.errors import Corrupted, NotSupported, TooLarge
from modelyard.objects.formats._skops.archive import largest

CHUNK = 1 << 20
IN_MEMORY = 64 << 20

_UNPACKERS: tuple[tuple[bytes, str, Callable[[], Any]], ...] = (
    (b"\x1f\x8b", "gzip", lambda: zlib.decompressobj(wbits=31)),
    (b"x\x01", "zlib", zlib.decompressobj),
    (b"x^", "zlib", zlib.decompressobj),
    (b"x\x9c", "zlib", zlib.decompressobj),
    (b"x\xda", "zlib", zlib.decompressobj),
    (b"BZh", "bz2", bz2.BZ2Decompressor),
    (b"\xfd7zXZ", "xz", lzma.LZMADecompressor),
    (b"]\x00", "lzma", lzma.LZMADecompressor),
)
_OTHERS = {b"\x04\x22M\x18": "lz4", b"(\xb5/\xfd": "zstd", b"ZF0x": "joblib before 0.10"}


def packing(head: bytes) -> str:
    """How a file is compressed, by its first bytes: ``"gzip"``; empty when it is not.

    >>> packing(b"BZh91AY")
    'bz2'
    """
    known = [*((magic, name) for magic, name, _ in _UNPACKERS), *_OTHERS.items()]
    return next((name for magic, name in known if head.startswith(magic)), "")


@contextlib.contextmanager
def unpacked(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    """The same stream, or while it lasts the content of a compressed one, from its beginning."""
    head = stream.read(8)
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    for magic, name in _OTHERS.items():
        if head.startswith(magic):
            raise NotSupported(
                f"a pickle packed by {name} is not read",
                hint="write it again with zlib, gzip or xz",
            )
    for magic, name, make in _UNPACKERS:
        if head.startswith(magic):
            with tempfile.SpooledTemporaryFile(IN_MEMORY) as target:
                _unpack(stream, cast(IO[bytes], target), make, name, largest(size))
                yield cast(IO[bytes], target)
            return
    yield stream


def _unpack(
    stream: IO[bytes], target: IO[bytes], make: Callable[[], Any], name: str, most: int
) -> None:
    unpacker, data, done = make(), b"", 0
    try:
        while True:
            data = data or (stream.read(CHUNK) if getattr(unpacker, "needs_input", True) else b"")
            if unpacker.eof:  # a file may be several streams in a row
                data = unpacker.unused_data or data
                if not data:
                    break
                unpacker = make()
            piece = unpacker.decompress(data, CHUNK)
            if not data and not piece and not unpacker.eof:
                raise Corrupted(f"the {name} data ends early")
            data = getattr(unpacker, "unconsumed_tail", b"")
            done += len(piece)
            if done > most:
                raise TooLarge(f"the {name} data unpacks to more than {most} bytes")
            target.write(piece)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
        raise Corrupted(f"damaged {name} data: {error}") from error
    target.seek(0)
