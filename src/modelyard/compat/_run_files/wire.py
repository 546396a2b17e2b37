"""Protobuf's wire format, as much of it as records of runs need: fields by number, nothing generated.

>>> message = read(b"\\x08\\x96\\x01\\x12\\x02hi")
>>> message.integer(1), message.text(2), message.text(9)
(150, 'hi', '')
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIGN = 1 << 63


class Malformed(ValueError):
    """Bytes that are no message."""


class Field(NamedTuple):
    """A field as it stands there: a number of a varint, else the bytes."""

    kind: int
    value: Any


class Message(dict[int, list[Field]]):
    """Fields by number; each may come several times."""

    def _last(self, number: int) -> Field | None:
        found = self.get(number)
        return found[-1] if found else None

    def has(self, number: int) -> bool:
        """Whether the field is there."""
        return number in self

    def integer(self, number: int) -> int:
        """A signed 64-bit number; 0 when it is not there."""
        field = self._last(number)
        return 0 if field is None or field.kind != _VARINT else _signed(field.value)

    def double(self, number: int) -> float:
        """A double; 0 when it is not there."""
        field = self._last(number)
        return struct.unpack("<d", field.value)[0] if field and field.kind == _FIXED64 else 0.0

    def single(self, number: int) -> float:
        """A float, exactly, as a double."""
        field = self._last(number)
        return struct.unpack("<f", field.value)[0] if field and field.kind == _FIXED32 else 0.0

    def bytes(self, number: int) -> bytes:
        """Bytes; none when it is not there."""
        field = self._last(number)
        return field.value if field is not None and field.kind == _BYTES else b""

    def text(self, number: int) -> str:
        """Text; what is no UTF-8 is replaced."""
        return self.bytes(number).decode("utf-8", "replace")

    def message(self, number: int) -> Message:
        """A message in this one; an empty one when it is not there."""
        return read(self.bytes(number))

    def several(self, number: int) -> list[bytes]:
        """All bytes of a repeated field."""
        return [field.value for field in self.get(number, ()) if field.kind == _BYTES]

    def messages(self, number: int) -> Iterator[Message]:
        """All messages of a repeated field."""
        return map(read, self.several(number))

    def integers(self, number: int) -> list[int]:
        """Signed 64-bit numbers of a repeated field, packed or not."""
        found: list[int] = []
        for field in self.get(number, ()):
            if field.kind == _VARINT:
                found.append(_signed(field.value))
            elif field.kind == _BYTES:
                at = 0
                while at < len(field.value):
                    value, at = _varint(field.value, at)
                    found.append(_signed(value))
        return found

    def packed(self, number: int, form: str) -> list[float]:
        """Numbers of fixed size, packed or not; ``form`` is struct's letter."""
        data = b"".join(
            field.value for field in self.get(number, ()) if isinstance(field.value, bytes)
        )
        if len(data) % struct.calcsize(form):
            raise Malformed("packed numbers end in the middle of one")
        return [value for (value,) in struct.iter_unpack(f"<{form}", data)]


def read(data: bytes) -> Message:
    """The fields of a message; `Malformed` for what is none."""
    found, at, end = Message(), 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
        else:
            if kind == _BYTES:
                size, at = _varint(data, at)
            elif kind in (_FIXED64, _FIXED32):
                size = 8 if kind == _FIXED64 else 4
            else:
                raise Malformed(f"wire type {kind}")
            if at + size > end:
                raise Malformed("a field is longer than its message")
            value = data[at : at + size]
            at += size
        if not tag >> 3:
            raise Malformed("field 0")
        found.setdefault(tag >> 3, []).append(Field(kind, value))
    return found


def _signed(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (_SIGN << 1) if value & _SIGN else value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        if at >= len(data):
            raise Malformed("a number ends in the middle")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise Malformed("a number is too long")
