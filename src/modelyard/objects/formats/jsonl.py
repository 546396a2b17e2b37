"""One JSON value a line: the rows of a table as objects, the items of a list, the rows of an array."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import orjson

from modelyard.base.errors import SchemaMismatch
from modelyard.objects.formats._frames import TABLES, at_line, empty
from modelyard.objects.formats._strict_json import loads_strictly, not_json
from modelyard.objects.formats.json import dumped, items
from modelyard.types.interface import DataType

NAME = "jsonl"
TIER = 0
SUFFIXES = (".jsonl", ".ndjson")


Line = tuple[int, bytes]


def can_hold(type: DataType) -> bool:
    return type.kind in (*TABLES, "list") and type.to_dict().get("shape") != []


def write(value: Any, path: Path, type: DataType) -> None:
    with path.open("wb") as out:
        out.writelines(dumped(item) + b"\n" for item in type.encode(value))


def read(stream: IO[bytes], type: DataType | None) -> Any:
    return _value(list(_lines(stream)), type)


def read_batches(stream: IO[bytes], type: DataType | None, rows: int) -> Iterator[Any]:
    lines = _lines(stream)
    first = list(islice(lines, rows))
    yield _value(first, type)
    for line in lines:
        yield _value(list(chain([line], islice(lines, rows - 1))), type)


def _lines(stream: IO[bytes]) -> Iterator[Line]:
    """Lines with their numbers; blank ones are passed over."""
    for number, line in enumerate(stream, 1):
        text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if text.strip():
            yield number, text


def _value(lines: list[Line], type: DataType | None) -> Any:
    if type is None:
        return [loads_strictly(text, f"line {number} of the jsonl") for number, text in lines]
    if not lines and type.kind in TABLES:
        return empty(type)
    values = [_parsed(number, text) for number, text in lines]
    try:
        return type.decode(values)
    except SchemaMismatch as error:
        raise at_line(error, lambda row: lines[row][0]) from None


def _parsed(number: int, text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise not_json(error, f"line {number} of the jsonl") from None


class LineWriter:
    """Writes results one after the other, each row or item on its line."""

    def __init__(self, path: Path) -> None:
        self._out = path.open("wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._out.close()

    def write(self, value: Any) -> None:
        """Append the rows of a table, the items of a list, or one single value."""
        self._out.writelines(dumped(item) + b"\n" for item in items(value))


def open_writer(path: Path) -> LineWriter:
    return LineWriter(path)
