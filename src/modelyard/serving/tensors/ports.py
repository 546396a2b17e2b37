"""How a value of a data type crosses as tensors: which ones it is, how they are read, and how they are written.

==================================== ======================================================================
a table                              one tensor a column, ``[-1]`` (``[n, 1]`` is taken as well); or one tensor named like
                                     the argument: ``[n, columns]`` of numbers by position
an array, a series, a list, a stream  one tensor named like the argument
a number, a text, a moment           one tensor of one element
bytes, a file, an image              one element of BYTES: the content
anything else                        one element of BYTES: its JSON
==================================== ======================================================================

What is no number is a text in BYTES, spelled as in JSON. The schema judges all values, as for every other protocol.
"""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import orjson

from modelyard.base.errors import InvalidInput, SchemaMismatch
from modelyard.serving.edge import parse_json
from modelyard.serving.forms import columns_of
from modelyard.serving.interface import Json
from modelyard.serving.tensors.tensor import (
    BYTES,
    Tensor,
    contents,
    from_elements,
    texts,
)
from modelyard.types.binary import Binary, binary
from modelyard.types.columns import Column
from modelyard.types.interface import DataType
from modelyard.types.mismatch import refusal

ROWS_AS_JSON = 64
"""Up to so many rows a table goes the way of JSON: its rows are joined with those of other requests before a table is made.
More rows of numbers are an array, and stay one."""
DEPTH = 64
"""How deep JSON inside a tensor may nest."""
_SERIES = ("series", "polars_series")
_CELLS: Mapping[str, str] = {"boolean": "bool", "integer": "int64", "number": "float64"}
_TEXTS = frozenset(["string", "datetime", "date", "time", "timedelta", "decimal", "uuid"])


@dataclass(frozen=True, slots=True)
class Port:
    """What metadata says of a tensor; -1 is any size."""

    name: str
    datatype: str
    shape: tuple[int, ...]


class Form(ABC):
    """One argument, or an answer, as tensors."""

    ports: Sequence[Port]

    @abstractmethod
    def read(self, sent: Mapping[str, Tensor]) -> Any:
        """A native value or `Json`, for the schema to check, of the tensors by port name; `SchemaMismatch` for
        what cannot be one."""

    @abstractmethod
    def write(self, spelled: Any) -> list[Tensor]:
        """Tensors of the JSON form of an answer."""

    def write_native(self, value: Any) -> list[Tensor] | None:
        """Tensors of a checked native value, where that needs no detour over JSON; else None."""
        return None


def form_of(name: str, type_: DataType | None, taken: frozenset[str] = frozenset()) -> Form:
    """The form of an argument or answer; ``taken`` are names of others, which columns must not bear."""
    inner = getattr(type_, "of", type_) if getattr(type_, "kind", "") == "optional" else type_
    if inner is None:
        return JsonForm(name)
    columns = columns_of(inner)
    if columns:
        return TableForm(name, inner.table.to_dict(), taken)
    if (kind := binary(inner)) is not None:
        return FileForm(name, kind)
    return _column_form(name, inner) or JsonForm(name)


def _column_form(name: str, type_: DataType) -> Form | None:
    """The form of what has elements of one kind, or is one."""
    table = type_.table
    spelled = table.to_dict()
    kind = table.kind
    if kind == "array" and isinstance(spelled["dtype"], str):
        shape = tuple(-1 if n is None else n for n in spelled["shape"])
        return ArrayForm(name, _column({k: v for k, v in spelled.items() if k != "shape"}), shape)
    if kind in _SERIES:
        column = {k: v for k, v in spelled.items() if k not in ("type", "name")}
        return ArrayForm(name, _column(column), (-1,))
    if kind == "scalar":
        return CellForm(name, _column(spelled))
    if kind in _CELLS or kind in _TEXTS:
        return CellForm(name, Column(_CELLS.get(kind, "str")))
    if kind in ("list", "stream"):
        item = getattr(table, "items", None)
        inner = item.kind if isinstance(item, DataType) else ""
        if inner in _CELLS or inner in _TEXTS:
            return ArrayForm(name, Column(_CELLS.get(inner, "str")), (-1,))
    return None


def _column(spelled: Any) -> Column:
    if isinstance(spelled, Mapping):
        spelled = {k: v for k, v in spelled.items() if k != "type"}
    return Column.from_spelled(spelled)


def datatype_of(column: Column) -> str:
    """The datatype of a column's cells: that of its numbers, and BYTES for all that is written as text."""
    parsed = column.parsed
    if parsed.family == "category":
        kinds = {type(c) for c in column.categories}
        return {int: "INT64", float: "FP64", bool: "BOOL"}.get(
            next(iter(kinds)) if len(kinds) == 1 else str, BYTES
        )
    if parsed.family == "boolean":
        return "BOOL"
    if parsed.family == "integer":
        return f"{'U' if parsed.unsigned else ''}INT{parsed.bits or 64}"
    return f"FP{parsed.bits or 64}" if parsed.family == "float" else BYTES


class _Cells:
    """The cells of one column: what tensors may bring them, and how they are spelled in JSON."""

    def __init__(self, name: str, column: Column) -> None:
        self.name = name
        self.column = column
        self.datatype = datatype_of(column)
        self.family = column.parsed.family

    def check(self, tensor: Tensor) -> None:
        """`SchemaMismatch` unless numbers come for numbers and texts for texts."""
        if self.family != "object" and _kind(tensor.datatype) != _kind(self.datatype):
            raise refusal(self.name, self.datatype, tensor.datatype)

    def spelled(self, tensor: Tensor) -> list[Any]:
        """The elements as JSON has them."""
        if tensor.datatype != BYTES:
            return tensor.data if isinstance(tensor.data, list) else tensor.data.tolist()
        if self.family == "bytes":
            raw = contents(tensor, self.name)
            return [None if x is None else base64.b64encode(x).decode() for x in raw]
        found = texts(tensor, self.name)
        return [_parsed(x, self.name) for x in found] if self.family == "complex" else found

    def tensor(self, spelled: list[Any], shape: tuple[int, ...]) -> Tensor:
        """A tensor of JSON cells."""
        coded = {"content_type": "base64"} if self.family == "bytes" else {}
        if self.family == "bytes":
            spelled = [None if x is None else base64.b64decode(x) for x in spelled]
        elif self.datatype == BYTES:
            spelled = [x if x is None or type(x) is str else _dumped(x) for x in spelled]
        datatype = self.datatype
        if datatype == "INT64" and any(type(x) is int and x >> 63 > 0 for x in spelled):
            datatype = "UINT64"  # Python's own integers go as far as JSON's do
        data = from_elements(self.name, datatype, shape, spelled)
        return Tensor(self.name, datatype, shape, data, coded)


class ArrayForm(Form):
    """An array, a series or a list: one tensor."""

    def __init__(self, name: str, column: Column, shape: tuple[int, ...]) -> None:
        self._cells = _Cells(name, column)
        self._shape = shape
        self.ports = (Port(name, self._cells.datatype, shape),)

    def read(self, sent: Mapping[str, Tensor]) -> Any:
        tensor = sent[self._cells.name]
        self._cells.check(tensor)
        if len(self._shape) == 1 and len(tensor.shape) == 2 and tensor.shape[1] == 1:
            tensor = Tensor(tensor.name, tensor.datatype, tensor.shape[:1], tensor.data)
        if tensor.datatype != BYTES and tensor.is_array:
            return tensor.array()
        if len(tensor.shape) != len(self._shape):
            raise refusal(
                self._cells.name, f"{len(self._shape)} dimensions", f"{len(tensor.shape)}"
            )
        cells = self._cells.spelled(tensor)
        return Json(Tensor(tensor.name, BYTES, tensor.shape, cells).nested())

    def write(self, spelled: Any) -> list[Tensor]:
        flat, shape = _flat(spelled, len(self._shape))
        return [self._cells.tensor(flat, shape)]

    def write_native(self, value: Any) -> list[Tensor] | None:
        dtype = getattr(value, "dtype", None)
        if type(value).__module__ != "numpy" or getattr(dtype, "kind", "") not in "biuf":
            return None
        wanted = self._cells.datatype
        return [Tensor(self._cells.name, wanted, tuple(value.shape), value.ravel())]


class CellForm(Form):
    """A single number, text or moment: one tensor of one element."""

    def __init__(self, name: str, column: Column) -> None:
        self._cells = _Cells(name, column)
        self.ports = (Port(name, self._cells.datatype, (1,)),)

    def read(self, sent: Mapping[str, Tensor]) -> Any:
        tensor = sent[self._cells.name]
        self._cells.check(tensor)
        return Json(_single(self._cells.name, self._cells.spelled(tensor)))

    def write(self, spelled: Any) -> list[Tensor]:
        return [self._cells.tensor([spelled], (1,))]


class FileForm(Form):
    """The content of a file: one element of BYTES."""

    def __init__(self, name: str, kind: Binary) -> None:
        self._name = name
        self._kind = kind
        self.ports = (Port(name, BYTES, (1,)),)

    def read(self, sent: Mapping[str, Tensor]) -> Any:
        tensor = sent[self._name]
        if tensor.datatype != BYTES:
            raise refusal(self._name, BYTES, tensor.datatype)
        content = _single(self._name, contents(tensor, self._name))
        return Json(None) if content is None else self._kind.from_bytes(content, self._name)

    def write(self, spelled: Any) -> list[Tensor]:
        content = None if spelled is None else self._kind.json_to_bytes(spelled)
        return [Tensor(self._name, BYTES, (1,), [content], {"content_type": "base64"})]


class JsonForm(Form):
    """What is no tensor: its JSON as one text. Numbers are taken as they are."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.ports = (Port(name, BYTES, (1,)),)

    def read(self, sent: Mapping[str, Tensor]) -> Any:
        tensor = sent[self._name]
        if tensor.datatype != BYTES:
            return Json(tensor.nested())
        text = _single(self._name, texts(tensor, self._name))
        return Json(None if text is None else _parsed(text, self._name))

    def write(self, spelled: Any) -> list[Tensor]:
        return [Tensor(self._name, BYTES, (1,), [_dumped(spelled)], {"content_type": "json"})]


class TableForm(Form):
    """A table: a tensor a column, or one of all of them."""

    def __init__(self, name: str, spelled: Mapping[str, Any], taken: frozenset[str]) -> None:
        self.name = name
        columns, levels = spelled["columns"], spelled.get("index") or {}
        self._columns = {
            (f"{name}.{column}" if column in taken else column): column
            for column in (*columns, *levels)
        }
        self._cells = {
            port: _Cells(port, _column({**levels, **columns}[column]))
            for port, column in self._columns.items()
        }
        self._levels = frozenset(port for port, c in self._columns.items() if c not in columns)
        """Levels of a named index: they may be left out."""
        self.ports = tuple(Port(port, c.datatype, (-1,)) for port, c in self._cells.items())

    def read(self, sent: Mapping[str, Tensor]) -> Any:
        if self.name in sent and self.name not in self._cells:
            return self._whole(sent[self.name])
        missing = [p for p in self._cells if p not in sent and p not in self._levels]
        if missing:
            raise missing_input(missing[0])
        columns = {p: _as_column(sent[p], c) for p, c in self._cells.items() if p in sent}
        rows = _check_lengths(columns)
        leveled = not self._levels.isdisjoint(columns)
        alike = len({t.datatype for t in columns.values()}) == 1
        if rows > ROWS_AS_JSON and alike and not leveled:
            block = _block(list(columns.values()))
            if block is not None:
                return block
        cells = [self._cells[port].spelled(tensor) for port, tensor in columns.items()]
        listed = [list(row) for row in zip(*cells, strict=True)]
        if not leveled:
            return Json(listed)
        return Json({"columns": [self._columns[port] for port in columns], "data": listed})

    def _whole(self, tensor: Tensor) -> Any:
        if tensor.datatype == BYTES:
            if tensor.shape in ((), (1,), (1, 1)):
                text = _single(self.name, texts(tensor, self.name))
                return Json(_parsed(text, self.name))
            return Json(Tensor("", BYTES, tensor.shape, texts(tensor, self.name)).nested())
        columns = [port for port in self._cells if port not in self._levels]
        if len(tensor.shape) != 2 or tensor.shape[1] != len(columns):
            expected = f"the shape [n, {len(columns)}], a column each"
            raise refusal(self.name, expected, str(list(tensor.shape)))
        for port in columns:
            self._cells[port].check(tensor)
        return tensor.array() if tensor.is_array else Json(tensor.nested())

    def write(self, spelled: Any) -> list[Tensor]:
        return [
            cells.tensor([record[self._columns[port]] for record in spelled], (len(spelled),))
            for port, cells in self._cells.items()
            if port not in self._levels or (spelled and self._columns[port] in spelled[0])
        ]


def missing_input(name: str) -> SchemaMismatch:
    """The error for a tensor that was not sent."""
    return SchemaMismatch(
        f"{name}: expected an input of that name, got none", field=name, expected="an input"
    )


def _kind(datatype: str) -> str:
    return datatype if datatype in ("BOOL", BYTES) else "number"


def _as_column(tensor: Tensor, cells: _Cells) -> Tensor:
    cells.check(tensor)
    if len(tensor.shape) != 1 and tensor.shape[1:] != (1,):
        raise refusal(cells.name, "the shape [n] or [n, 1]", str(list(tensor.shape)))
    return tensor


def _check_lengths(columns: Mapping[str, Tensor]) -> int:
    first = next(iter(columns))
    rows = columns[first].shape[0]
    for port, tensor in columns.items():
        if tensor.shape[0] != rows:
            raise refusal(port, f"{rows} rows, as in {first!r}", str(tensor.shape[0]))
    return rows


def _block(tensors: Sequence[Tensor]) -> Any:
    """Columns of one kind of number as one array of rows; None for others."""
    import numpy as np

    if tensors[0].datatype == BYTES or not all(t.is_array for t in tensors):
        return None
    return np.stack([t.data for t in tensors]).T


def _single(name: str, elements: list[Any]) -> Any:
    if len(elements) != 1:
        raise refusal(name, "one element", str(len(elements)))
    return elements[0]


def _parsed(text: Any, where: str) -> Any:
    try:
        return parse_json(text.encode() if isinstance(text, str) else b"null", DEPTH)
    except InvalidInput as error:
        raise SchemaMismatch(
            f"{where}: expected JSON: {error.message}", field=where, expected="JSON"
        ) from None


def _dumped(value: Any) -> str:
    return orjson.dumps(value).decode()


def _flat(nested: Any, dimensions: int) -> tuple[list[Any], tuple[int, ...]]:
    level, shape = [nested], []
    for _ in range(dimensions):
        shape.append(len(level[0]) if level else 0)
        level = list(chain.from_iterable(level))
    return level, tuple(shape)
