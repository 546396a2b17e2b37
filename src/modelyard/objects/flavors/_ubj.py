"""Universal Binary JSON, as XGBoost writes it: just enough to look at a model before the library does.

Numbers are big-endian; an array of one type of number becomes a numpy array over the bytes, without a copy. Whatever the
library would not write (a key twice, a count beyond the end) is `ValueError`.
"""

from __future__ import annotations

import struct
from typing import Any

_STRUCTS = {
    ord(marker): struct.Struct(form)
    for marker, form in zip("iUIlLdD", (">b", ">B", ">h", ">i", ">q", ">f", ">d"), strict=True)
}
_COUNTS = frozenset(map(ord, "iUIlL"))
_WORDS = {ord("T"): True, ord("F"): False, ord("Z"): None}
_ARRAY, _END_OF_ARRAY, _OBJECT, _END_OF_OBJECT = map(ord, "[]{}")
_TEXT, _OF_TYPE, _COUNTED = map(ord, "S$#")
_DEEPEST = 32


def loads(data: bytes) -> Any:
    """The one value in the bytes."""
    reader = _Reader(data)
    value = reader.value(reader.marker(), 0)
    if reader.at != len(data):
        raise ValueError(f"{len(data) - reader.at} bytes too many")
    return value


class _Reader:
    """Reads on from a place. A model has tens of thousands of small parts, so bytes are not copied to look at them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def skip(self, count: int) -> int:
        """Step over some bytes; where they begin."""
        start = self.at
        self.at = start + count
        if count < 0 or self.at > len(self.data):
            raise ValueError("it ends too early")
        return start

    def marker(self) -> int:
        return self.data[self.skip(1)]

    def number(self, marker: int) -> Any:
        form = _STRUCTS[marker]
        return form.unpack_from(self.data, self.skip(form.size))[0]

    def count(self, marker: int) -> int:
        if marker not in _COUNTS:
            raise ValueError(f"a count is no {chr(marker)!r}")
        return self.number(marker)

    def text(self, marker: int) -> str:
        length = self.count(marker)
        start = self.skip(length)
        return self.data[start : start + length].decode()

    def value(self, marker: int, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
        if marker == _ARRAY:
            return self.array(depth)
        if marker == _OBJECT:
            return self.object(depth)
        if marker == _TEXT:
            return self.text(self.marker())
        if marker in _STRUCTS:
            return self.number(marker)
        if marker in _WORDS:
            return _WORDS[marker]
        raise ValueError(f"byte {self.at - 1} is {chr(marker)!r}")

    def object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (marker := self.marker()) != _END_OF_OBJECT:
            key = self.text(marker)
            if key in found:
                raise ValueError(f"the key {key[:40]!r} stands twice")
            found[key] = self.value(self.marker(), depth + 1)
        return found

    def array(self, depth: int) -> Any:
        marker = self.marker()
        if marker == _OF_TYPE:
            return self.numbers()
        if marker == _COUNTED:
            count = self.count(self.marker())
            return [self.value(self.marker(), depth + 1) for _ in range(count)]
        found: list[Any] = []
        while marker != _END_OF_ARRAY:
            found.append(self.value(marker, depth + 1))
            marker = self.marker()
        return found

    def numbers(self) -> Any:
        import numpy as np

        marker = self.marker()
        if marker not in _STRUCTS or self.marker() != _COUNTED:
            raise ValueError(f"byte {self.at - 1} begins no array of numbers")
        form = _STRUCTS[marker]
        count = self.count(self.marker())
        start = self.skip(count * form.size)
        return np.frombuffer(self.data, form.format, count, start)
