"""Protobuf's wire format, as much of it as records of runs need: fields by number, nothing generated.

>>> message = read(b"\\x08\\x96\\x01\\x12\\x02hi")
>>> message.integer(1), message.text(2), message.text(9)
(150, 'hi', '')
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED = {_FIXED64: 8, _FIXED32: 4}
_SIGN = 1 << 63


class Malformed(ValueError):
    """Bytes that are no message."""


Field = tuple[int, Any]
"""A field as it stands there: its wire type, and a number of a varint, else the bytes."""


_ABSENT: Field = (-1, None)


class Message(dict[int, list[Field]]):
    """Fields by number; each may come several times."""

    def _last(self, number: int) -> Field:
        found = self.get(number)
        return found[-1] if found else _ABSENT

    def has(self, number: int) -> bool:
        """Whether the field is there."""
        return number in self

    def integer(self, number: int) -> int:
        """A signed 64-bit number; 0 when it is not there."""
        kind, value = self._last(number)
        return _signed(value) if kind == _VARINT else 0

    def double(self, number: int) -> float:
        """A double; 0 when it is not there."""
        kind, value = self._last(number)
        return struct.unpack("<d", value)[0] if kind == _FIXED64 else 0.0

    def single(self, number: int) -> float:
        """A float, exactly, as a double."""
        kind, value = self._last(number)
        return struct.unpack("<f", value)[0] if kind == _FIXED32 else 0.0

    def bytes(self, number: int) -> bytes:
        """Bytes; none when it is not there."""
        kind, value = self._last(number)
        return value if kind == _BYTES else b""

    def text(self, number: int) -> str:
        """Text; what is no UTF-8 is replaced."""
        return self.bytes(number).decode("utf-8", "replace")

    def message(self, number: int) -> Message:
        """A message in this one; an empty one when it is not there."""
        return read(self.bytes(number))

    def several(self, number: int) -> list[bytes]:
        """All bytes of a repeated field."""
        return [value for kind, value in self.get(number, ()) if kind == _BYTES]

    def messages(self, number: int) -> Iterator[Message]:
        """All messages of a repeated field."""
        return map(read, self.several(number))

    def integers(self, number: int) -> list[int]:
        """Signed 64-bit numbers of a repeated field, packed or not."""
        found: list[int] = []
        for kind, told in self.get(number, ()):
            if kind == _VARINT:
                found.append(_signed(told))
            elif kind == _BYTES:
                at = 0
                while at < len(told):
                    value, at = _varint(told, at)
                    found.append(_signed(value))
        return found

    def packed(self, number: int, form: str) -> list[float]:
        """Numbers of fixed size, packed or not; ``form`` is struct's letter."""
        data = b"".join(value for _, value in self.get(number, ()) if isinstance(value, bytes))
        if len(data) % struct.calcsize(form):
            raise Malformed("packed numbers end in the middle of one")
        return [value for (value,) in struct.iter_unpack(f"<{form}", data)]


def read(data: bytes) -> Message:
    """The fields of a message; `Malformed` for what is none."""
    found, at, end = Message(), 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind == _VARINT:
            size = 0
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:
            raise Malformed(f"wire type {kind}")
        if kind == _VARINT:
            value, at = _varint(data, at)
        else:
            value = data[at : at + size]
            at += size
            if at > end:
                raise Malformed("a field is longer than its message")
        if tag < 8:
            raise Malformed("field 0")
        found.setdefault(tag >> 3, []).append((kind, value))
    return found


def _signed(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (_SIGN << 1) if value & _SIGN else value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number, and where it ends; most have one byte."""
    try:
        value = data[at]
        at += 1
        if value < 0x80:
            return value, at
        value &= 0x7F
        for shift in range(7, 70, 7):
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, at
    except IndexError:
        raise Malformed("a number ends in the middle") from None
    raise Malformed("a number is too long")
