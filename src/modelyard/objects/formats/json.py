"""Any value as JSON, in the form its type gives it; a table as records.

With a type, reading is exact (``NaN`` as null or text, moments as ISO 8601). Without one, JSON's own values come
back, and what Python could only guess at is refused: a key that stands twice, the words NaN and Infinity.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import orjson

from modelyard.base.errors import UnsupportedType
from modelyard.objects.formats._frames import TABLES, empty
from modelyard.objects.formats._strict_json import loads_strictly, not_json
from modelyard.types import infer
from modelyard.types.interface import DataType
from modelyard.types.wrapped import WrappedType

NAME = "json"
TIER = 0
SUFFIXES = (".json",)


def can_hold(type: DataType) -> bool:
    return not isinstance(type, WrappedType)  # labels and weights in it would be lost


def write(value: Any, path: Path, type: DataType) -> None:
    path.write_bytes(dumped(type.encode(value)) + b"\n")


def read(stream: IO[bytes], type: DataType | None) -> Any:
    data = stream.read().removeprefix(b"\xef\xbb\xbf")
    if type is None:
        return loads_strictly(data, "the json")
    try:
        parsed = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise not_json(error, "the json") from None
    return empty(type) if parsed == [] and type.kind in TABLES else type.decode(parsed)


def dumped(value: Any) -> bytes:
    """The bytes of a JSON-able value."""
    try:
        return orjson.dumps(value)
    except TypeError as error:  # integers over 64 bits inside something typeless
        raise UnsupportedType(f"json cannot hold this value: {error}") from error


class ArrayWriter:
    """Writes results one after the other as one JSON array: each row of a table, each item of a list."""

    def __init__(self, path: Path) -> None:
        self._out = path.open("wb")
        self._before = b"["

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._out:
            if error is None:
                self._out.write(b"[]\n" if self._before == b"[" else b"]\n")

    def write(self, value: Any) -> None:
        """Append the items of a list, array, series or table, or one single value."""
        for item in items(value):
            self._out.write(self._before + dumped(item))
            self._before = b",\n"


def items(value: Any) -> Iterable[Any]:
    """The JSON form of each row or item of a value; of the value itself when it has none."""
    encoded = infer(value).encode(value)
    return encoded if isinstance(encoded, list) else [encoded]


def open_writer(path: Path) -> ArrayWriter:
    return ArrayWriter(path)
