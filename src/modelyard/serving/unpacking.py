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


def parquet_size(body: bytes, metadata: Any) -> int:
    """The bytes of all pages of a Parquet file, whose footer is read already."""
    total = 0
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    for group in groups:
        for column in range(metadata.num_columns if group.num_rows else 0):
            chunk = group.column(column)
            start = chunk.data_page_offset
            if chunk.has_dictionary_page and chunk.dictionary_page_offset:
                start = min(start, chunk.dictionary_page_offset)
            total += sum(_pages(body, start, start + chunk.total_compressed_size))
    return total


def _pages(body: bytes, at: int, end: int) -> Iterator[int]:
    if not 0 <= at <= end <= len(body):
        raise ValueError("a column lies outside of the file")
    while at < end:
        header = Compact(body, at)
        sizes = header.integers_of_struct()
        unpacked, packed = sizes.get(2, -1), sizes.get(3, -1)
        if packed < 0 or unpacked < 0:
            raise ValueError("a page of the file has no size")
        yield unpacked
        at = header.at + packed


class Compact:
    """A reader of Thrift's compact protocol that knows how to pass over everything."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at

    def integers_of_struct(self, depth: int = 0) -> dict[int, int]:
        """The integer fields of the struct that begins here, by number; all else is passed over."""
        if depth > 16:
            raise ValueError("a header is nested too deep")
        found: dict[int, int] = {}
        number = 0
        while kind := self._byte():
            delta, kind = kind >> 4, kind & 15
            number = number + delta if delta else self._zigzag()
            if kind in (4, 5, 6):
                found[number] = self._zigzag()
            else:
                self._pass(kind, depth)
        return found

    def _pass(self, kind: int, depth: int, *, element: bool = False) -> None:
        if kind in (1, 2):  # a boolean field is in its header; one in a list is a byte
            self.at += element
        elif kind == 3:
            self.at += 1
        elif kind in (4, 5, 6):
            self._varint()
        elif kind == 7:
            self.at += 8
        elif kind == 8:
            length = self._varint()
            self.at += length
        elif kind in (9, 10):
            head = self._byte()
            count = self._varint() if head >> 4 == 15 else head >> 4
            for _ in range(count):
                self._pass(head & 15, depth + 1, element=True)
                if self.at > len(self.data):
                    break
        elif kind == 12:
            self.integers_of_struct(depth + 1)
        else:
            raise ValueError("a header cannot be read")

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
