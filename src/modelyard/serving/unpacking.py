"""How large a compressed Parquet file or Arrow stream says it becomes: read from its headers, before anything is unpacked. Pure.

Both formats write the unpacked size in front of what is packed, and their readers take that many bytes before they unpack.
Here those numbers are added up. A header that cannot be read is a `ValueError`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

HUGE = 1 << 62
"""Stands for a size that cannot be true."""


def parquet_size(body: bytes) -> int:
    """The bytes of all pages of a Parquet file.

    Its footer is read here as well: pyarrow ends the whole process over some of those that lie.
    """
    length = _unpack("<I", body, len(body) - 8)
    start = len(body) - 8 - length
    if body[-4:] != b"PAR1" or start < 4:
        raise ValueError("it does not end as such files do")
    footer = Compact(body[:-8], start).struct()
    total = 0
    for group in _list(footer.get(_ROW_GROUPS)):
        rows = group.get(_ROWS, 0)
        for column in _list(group.get(_COLUMNS)) if rows else ():
            total += sum(_pages(body, *_place(column.get(_META), start)))
    return total


_ROW_GROUPS, _COLUMNS, _ROWS, _META = 4, 1, 3, 3
_PACKED, _DATA, _DICTIONARY = 7, 9, 11
"""Numbers of fields in the footer."""


def _list(value: Any) -> list[dict[int, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError("its footer cannot be read")
    return value


def _place(column: Any, end: int) -> tuple[int, int]:
    """Where a column begins and ends."""
    numbers = [column.get(n, 0) for n in (_DATA, _DICTIONARY, _PACKED)] if column else [-1]
    if not all(isinstance(n, int) and 0 <= n <= end for n in numbers):
        raise ValueError("a column lies outside of the file")
    data, dictionary, packed = numbers
    first = min(data, dictionary) if dictionary else data
    return first, first + packed


def _pages(body: bytes, at: int, end: int) -> Iterator[int]:
    if end > len(body):
        raise ValueError("a column lies outside of the file")
    while at < end:
        header = Compact(body, at)
        fields = header.struct()
        unpacked, packed = fields.get(2), fields.get(3)
        if (
            not isinstance(unpacked, int)
            or not isinstance(packed, int)
            or min(unpacked, packed) < 0
        ):
            raise ValueError("a page of the file has no size")
        yield unpacked
        at = header.at + packed


class Compact:
    """A reader of Thrift's compact protocol: structs are dicts by the number of a field."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """The struct that begins here."""
        if depth > 16:
            raise ValueError("a header is nested too deep")
        found: dict[int, Any] = {}
        number = 0
        while kind := self._byte():
            delta, kind = kind >> 4, kind & 15
            number = number + delta if delta else self._zigzag()
            # A boolean field is in its header; one in a list is a byte.
            found[number] = kind == 1 if kind in (1, 2) else self._value(kind, depth)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (1, 2, 3):
            return self._byte()
        if kind in (4, 5, 6):
            return self._zigzag()
        if kind in (7, 8):
            return self._bytes(8 if kind == 7 else self._varint())
        if kind in (9, 10):
            head = self._byte()
            count = self._varint() if head >> 4 == 15 else head >> 4
            if count > len(self.data) - self.at:
                raise ValueError("a list of a header is longer than the file")
            return [self._element(head & 15, depth) for _ in range(count)]
        if kind == 12:
            return self.struct(depth + 1)
        raise ValueError("a header cannot be read")

    def _element(self, kind: int, depth: int) -> Any:
        if depth > 16:
            raise ValueError("a header is nested too deep")
        return self._value(kind, depth + 1)

    def _bytes(self, length: int) -> bytes:
        if length > len(self.data) - self.at:
            raise ValueError("a header is cut short")
        self.at += length
        return self.data[self.at - length : self.at]

    def _byte(self) -> int:
        if self.at >= len(self.data):
            raise ValueError("a header is cut short")
        self.at += 1
        return self.data[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while shift < 70:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
        raise ValueError("a number of a header is too long")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)


def ipc_size(messages: Any) -> int:
    """The bytes that the buffers of all messages of an Arrow stream have when unpacked."""
    return sum(_message_size(bytes(m.metadata), m.body) for m in messages)


def _message_size(metadata: bytes, body: Any) -> int:
    message = Flat.root(metadata)
    kind, header = message.scalar(1, "<B"), message.table(2)
    if kind == 2 and header is not None:  # a dictionary, around a batch
        header = header.table(1)
    if kind not in (2, 3) or header is None:
        return 0
    if header.table(3) is None:
        return 0 if body is None else body.size
    view = memoryview(body)
    return sum(_buffer_size(view, *place) for place in header.pairs(2))


def _buffer_size(body: memoryview, offset: int, length: int) -> int:
    if not length:
        return 0
    if offset < 0 or length < 8 or offset + length > len(body):
        raise ValueError("a buffer lies outside of its message")
    [size] = struct.unpack_from("<q", body, offset)
    return length if size == -1 else size if size >= 0 else HUGE


class Flat:
    """A table of a FlatBuffer: fields by number, those that are left out are zero or None."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at
        self._fields = at - _unpack("<i", data, at)

    @classmethod
    def root(cls, data: bytes) -> Flat:
        """The table that a buffer is about."""
        return cls(data, _unpack("<I", data, 0))

    def scalar(self, field: int, form: str) -> int:
        """A number."""
        place = self._place(field)
        return _unpack(form, self._data, place) if place else 0

    def table(self, field: int) -> Flat | None:
        """A table inside."""
        place = self._place(field)
        return Flat(self._data, place + _unpack("<I", self._data, place)) if place else None

    def pairs(self, field: int) -> Iterator[tuple[int, int]]:
        """A vector of structs of two 64-bit numbers."""
        place = self._place(field)
        if place:
            start = place + _unpack("<I", self._data, place)
            for i in range(_unpack("<I", self._data, start)):
                at = start + 4 + 16 * i
                yield _unpack("<q", self._data, at), _unpack("<q", self._data, at + 8)

    def _place(self, field: int) -> int:
        slot = 4 + 2 * field
        if slot >= _unpack("<H", self._data, self._fields):
            return 0
        offset = _unpack("<H", self._data, self._fields + slot)
        return self._at + offset if offset else 0


def _unpack(form: str, data: bytes, at: int) -> int:
    if not 0 <= at <= len(data) - struct.calcsize(form):
        raise ValueError("a header points outside of itself")
    return struct.unpack_from(form, data, at)[0]
