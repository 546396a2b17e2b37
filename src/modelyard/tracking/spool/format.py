"""How a record lies in a segment: so that what was written whole is found, whatever happened around it.

A segment is a file of a fixed length, zeros at first. A record begins at a multiple of eight bytes::

    crc32 of all that follows · length of the payload · number · mark · kind · payload

The crc is written last. Numbers rise by one, from segment to segment too, so that a gap says how many were lost. A reader
that finds no record where one should be looks for the next mark.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

SEGMENT = 1 << 20
"""Bytes of a segment; one that has to hold a longer record is longer."""
START = 64
"""Where the first record of a segment begins."""
MAGIC = b"MYSPOOL1"

POINT = 1
"""The kind of a metric's point: fixed numbers, then texts."""
TOLD = 2
"""The kind of everything else: JSON."""

CRC = struct.Struct("<I")
HEAD = struct.Struct("<IQHBx")
HEADED_POINT = struct.Struct("<IQHBxdqq")
"""Head and numbers of a point in one: this is the hot path."""
MARK = 0xA35C
_MARK = struct.pack("<H", MARK)
_MARK_AT = CRC.size + 12
_NUMBERS = struct.Struct("<dqq")
_LENGTH = struct.Struct("<H")
POINT_BYTES = _NUMBERS.size
BEFORE = CRC.size + HEAD.size
"""Bytes of a record before its payload."""


class Entry(NamedTuple):
    """A record as it was found."""

    number: int
    kind: int
    payload: bytes


class Point(NamedTuple):
    """A metric's point."""

    run_id: str
    key: str
    value: float
    at_ms: int
    step: int


def texts(run_id: str, key: str) -> bytes:
    """What follows the numbers of a point: the same for all points of a curve."""
    run = run_id.encode("utf-8", "surrogatepass")
    return _LENGTH.pack(len(run)) + run + key.encode("utf-8", "surrogatepass")


def point_of(payload: bytes) -> Point:
    """A point again."""
    value, at_ms, step = _NUMBERS.unpack_from(payload)
    (length,) = _LENGTH.unpack_from(payload, POINT_BYTES)
    begin = POINT_BYTES + _LENGTH.size
    run = payload[begin : begin + length].decode("utf-8", "surrogatepass")
    return Point(
        run, payload[begin + length :].decode("utf-8", "surrogatepass"), value, at_ms, step
    )


def room_of(payload: int) -> int:
    """Bytes that a record takes."""
    return aligned(BEFORE + payload)


def aligned(size: int) -> int:
    """The next multiple of eight."""
    return (size + 7) & -8


def entry_at(data: bytes, at: int) -> Entry | None:
    """The record that begins there; None where none does, or not whole."""
    if at + BEFORE > len(data):
        return None
    length, number, mark, kind = HEAD.unpack_from(data, at + CRC.size)
    end = at + BEFORE + length
    if mark != MARK or end > len(data):
        return None
    if CRC.unpack_from(data, at)[0] != crc32(memoryview(data)[at + CRC.size : end]):
        return None
    return Entry(number, kind, data[at + BEFORE : end])


def entries(data: bytes, at: int, after: int) -> Iterator[tuple[Entry, int]]:
    """The records from there on whose numbers rise, each with the place where the next should begin. What is damaged is
    passed over."""
    while (start := _next_mark(data, at)) is not None:
        entry = entry_at(data, start)
        if entry is None or entry.number <= after:
            # the length of what is damaged cannot be believed; an old record's can
            at = start + 8 if entry is None else start + room_of(len(entry.payload))
            continue
        at, after = start + room_of(len(entry.payload)), entry.number
        yield entry, at


def _next_mark(data: bytes, at: int) -> int | None:
    found = data.find(_MARK, at + _MARK_AT)
    while found >= 0:
        if (found - _MARK_AT) % 8 == 0:
            return found - _MARK_AT
        found = data.find(_MARK, found + 1)
    return None
