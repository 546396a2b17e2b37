"""Files of framed records with checksums: TFRecord, and the log format of LevelDB.

Both end in the middle of a record while they are written, or when their writer was killed: what is whole is read, and the
rest is told. A record's number is where it ends in the file, so that it stays the same when the file grows.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, NamedTuple

MOST_BYTES = 256 << 20
"""Of a record; longer ones are passed over."""
CHECKED_BYTES = 256 << 10
"""Of a record whose Castagnoli checksum is computed without a library for it, which takes a second for some megabytes."""

_BLOCK = 32 << 10
_HEAD = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


class Frame(NamedTuple):
    """A whole record, and where it ends."""

    end: int
    data: bytes


@dataclass
class Damage:
    """What could not be read."""

    notes: list[str] = field(default_factory=list[str])
    records: int = 0
    """Damaged ones, passed over."""

    def told(self) -> list[str]:
        """A line each."""
        count = f"{self.records} damaged records were passed over"
        return [*self.notes, *([count] if self.records else [])]


# TFRecord: length u64, its masked crc32c u32, data, its masked crc32c u32


def tfrecords(stream: IO[bytes], damage: Damage) -> Iterator[Frame]:
    """The records of a TFRecord file. After a damaged length nobody knows where the next one begins."""
    at = 0
    while head := stream.read(12):
        if len(head) < 12:
            return damage.notes.append(f"it ends in the middle of a record, at byte {at:,}")
        length, check = struct.unpack("<QI", head)
        if masked(crc32c(head[:8])) != check:
            return damage.notes.append(
                f"it is damaged at byte {at:,}; what follows cannot be found"
            )
        if length > MOST_BYTES:
            damage.notes.append(f"a record of {length:,} bytes at byte {at:,} was passed over")
            if not _skipped(stream, length + 4):
                return damage.notes.append(f"it ends in the middle of a record, at byte {at:,}")
            at += 16 + length
            continue
        body = stream.read(length + 4)
        if len(body) < length + 4:
            return damage.notes.append(f"it ends in the middle of a record, at byte {at:,}")
        at += 16 + length
        data = body[:-4]
        if is_good(data, int.from_bytes(body[-4:], "little")):
            yield Frame(at, data)
        else:
            damage.records += 1
    return None


def _skipped(stream: IO[bytes], size: int) -> bool:
    while size:
        piece = stream.read(min(size, 1 << 20))
        if not piece:
            return False
        size -= len(piece)
    return True


def is_good(data: bytes, check: int) -> bool:
    """Whether data has this masked checksum; large data is taken at its word without a library."""
    fast = _library()
    if fast is not None:
        return masked(fast(data)) == check
    return len(data) > CHECKED_BYTES or masked(crc32c(data)) == check


def masked(crc: int) -> int:
    """As TFRecord stores a checksum."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def crc32c(data: bytes) -> int:
    """Castagnoli's checksum.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value


_TABLE = [_entry(value) for value in range(256)]


def _library() -> Callable[[bytes], int] | None:
    try:
        import google_crc32c
    except ImportError:
        return None
    return google_crc32c.value


# LevelDB's log: blocks of 32 KB of pieces (checksum u32, length u16, kind u8, data)


def logged(stream: IO[bytes], start: int, damage: Damage) -> Iterator[Frame]:
    """The records of a log that begins at ``start`` of a file, where the stream stands. A damaged block is left, and the
    next one is gone on with."""
    parts, size = list[bytes](), 0
    for end, kind, body in _pieces(stream, start, damage):
        if kind in (_FULL, _FIRST):
            damage.records += bool(parts)
            parts, size = [], 0
        elif not parts:  # its beginning was damaged
            continue
        parts.append(body)
        size += len(body)
        if size > MOST_BYTES:
            damage.records += 1
            parts = []
        elif kind in (_FULL, _LAST):
            yield Frame(end, b"".join(parts))
            parts = []
    if parts:
        damage.notes.append("it ends in the middle of a record")


def _pieces(stream: IO[bytes], at: int, damage: Damage) -> Iterator[tuple[int, int, bytes]]:
    """The good pieces of all blocks, each with where it ends."""
    while block := stream.read(_BLOCK - at % _BLOCK):
        offset, is_last = 0, len(block) < _BLOCK - at % _BLOCK
        while len(block) - offset >= _HEAD.size:
            check, length, kind = _HEAD.unpack_from(block, offset)
            begin = offset + _HEAD.size
            body = block[begin : begin + length]
            if kind == length == check == 0:
                break  # room that was set aside
            if len(body) < length and is_last:
                damage.notes.append(f"it ends in the middle of a record, at byte {at + offset:,}")
                return
            if len(body) < length or zlib.crc32(body, zlib.crc32(bytes([kind]))) != check:
                damage.notes.append(f"it is damaged at byte {at + offset:,}")
                break
            offset = begin + length
            yield at + offset, kind, body
        at += len(block)
