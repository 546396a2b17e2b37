"""Nested values as cells of an Arrow column.

Booleans, 64-bit integers, floats, texts, bytes, dates and naive datetimes have Arrow types of their own, and images are
the bytes of their files; lists, sets and arrays of numbers are lists, tuples and things with fields are structs, dicts by
text or integer are maps. Decimals, UUIDs, durations and moments with an offset are the texts that JSON has for them, and
everything else (unions, files, other dicts) is JSON text, so that nothing can be taken for something else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modelyard.types.binary import binary
from modelyard.types.columns import Column
from modelyard.types.container import DictType, ListType, SetType, TupleType
from modelyard.types.fields import walk_fields
from modelyard.types.interface import DataType
from modelyard.types.mismatch import mismatch, refusal
from modelyard.types.moment import DatetimeType
from modelyard.types.record import RecordType, as_fields
from modelyard.types.union import OptionalType

_OWN = {
    "boolean": "bool", "integer": "int64", "number": "float64", "string": "string", "bytes": "binary",
    "date": "date32", "null": "null",
}  # fmt: skip
"""Kinds whose native values pyarrow takes and gives as they are."""
_TEXTS = ("datetime", "time", "timedelta", "decimal", "uuid")
"""Kinds whose JSON form is a text, which is the cell."""


def nested_type(kind: DataType) -> Any:
    """The Arrow type of cells of that type."""
    import pyarrow as pa

    if isinstance(kind, OptionalType):
        return nested_type(kind.of)
    if kind.kind in _OWN:
        return pa.type_for_alias(_OWN[kind.kind])
    if _is_naive(kind):
        return pa.timestamp("us")
    if kind.kind == "image":
        return pa.binary()
    if isinstance(kind, ListType):
        return pa.list_(nested_type(kind.items))
    if isinstance(kind, TupleType) and kind.items:
        return pa.struct([(str(i), nested_type(t)) for i, t in enumerate(kind.items)])
    if fields := _fields(kind):
        return pa.struct([(n, nested_type(t)) for n, t in fields.items()])
    if isinstance(kind, DictType) and kind.fields is None and _has_map(kind):
        return pa.map_(nested_type(kind.keys), nested_type(kind.values))
    if column := _numbers(kind):
        from modelyard.types.arrow_columns import arrow_type

        found = arrow_type(column)
        for _ in getattr(kind, "shape", ()):
            found = pa.list_(found)
        return found
    return pa.string()


def write_value(kind: DataType, value: Any) -> Any:
    """A checked native value as pyarrow takes it for `nested_type`."""
    if isinstance(kind, OptionalType):
        return None if value is None else write_value(kind.of, value)
    if kind.kind in _OWN or _is_naive(kind):
        return kind.check(value)
    if isinstance(kind, SetType):
        return [write_value(kind.items, v) for v in sorted(value, key=repr)]
    if isinstance(kind, ListType):
        return [write_value(kind.items, v) for v in value]
    if isinstance(kind, TupleType) and kind.items:
        parts = zip(kind.items, value, strict=True)
        return {str(i): write_value(t, v) for i, (t, v) in enumerate(parts)}
    if fields := _fields(kind):
        return walk_fields(fields, as_fields(value) or {}, "", lambda t, v, _: write_value(t, v))
    if isinstance(kind, DictType) and kind.fields is None and _has_map(kind):
        return [(k, write_value(kind.values, v)) for k, v in value.items()]
    if _numbers(kind):
        return kind.check(value).tolist()
    if kind.kind == "image":
        return binary(kind).to_bytes(value)  # type: ignore[union-attr]  # an image is one
    if kind.kind in _TEXTS:
        return kind.encode(value)
    return json.dumps(kind.encode(value), ensure_ascii=False, allow_nan=False)


def read_value(kind: DataType, cell: Any, where: str) -> Any:
    """The inverse; also of what other writers make of such values."""
    if isinstance(kind, OptionalType):
        return None if cell is None else read_value(kind.of, cell, where)
    if kind.kind in _OWN or _is_naive(kind) or _numbers(kind):
        return _native(kind, cell, where)
    if kind.kind == "image" and isinstance(cell, bytes):
        return kind.check(cell, where)
    if kind.kind in _TEXTS and isinstance(cell, str):
        return kind.decode(cell, where)
    if isinstance(kind, ListType):
        return _listed(kind, cell, where)
    if isinstance(kind, TupleType) and kind.items:
        if isinstance(cell, dict) and cell.keys() == {str(i) for i in range(len(kind.items))}:
            cell = [cell[str(i)] for i in range(len(kind.items))]
        if not isinstance(cell, list) or len(cell) != len(kind.items):
            raise mismatch(where, f"a list of {len(kind.items)}", cell)
        parts = enumerate(zip(kind.items, cell, strict=True))
        return tuple(read_value(t, v, f"{where}[{i}]") for i, (t, v) in parts)
    if fields := _fields(kind):
        if not isinstance(cell, dict):
            raise mismatch(where, "an object", cell)
        found = walk_fields(fields, cell, where, read_value)
        return kind.build(found, where) if isinstance(kind, RecordType) else found
    if isinstance(kind, DictType) and kind.fields is None and _has_map(kind):
        return _mapped(kind, cell, where)
    return _of_json(kind, cell, where)


def _listed(kind: ListType, cell: Any, where: str) -> Any:
    if not isinstance(cell, list):
        raise mismatch(where, "a list", cell)
    items = [read_value(kind.items, v, f"{where}[{i}]") for i, v in enumerate(cell)]
    if not isinstance(kind, SetType):
        return items
    if len(set(items)) != len(items):
        raise refusal(where, "different items", "the same one twice")
    return set(items)


def _mapped(kind: DictType, cell: Any, where: str) -> dict[Any, Any]:
    pairs = list(cell.items()) if isinstance(cell, dict) else cell
    if not isinstance(pairs, list):
        raise mismatch(where, "a map", cell)
    found = {
        kind.keys.check(k, where): read_value(kind.values, v, f"{where}.{k}") for k, v in pairs
    }
    if len(found) != len(pairs):
        raise refusal(where, "different keys", "the same key twice")
    return found


def _native(kind: DataType, cell: Any, where: str) -> Any:
    """A cell as Python has it; moments that another writer gave a zone, or more than microseconds, do not fit."""
    if kind.kind == "scalar" or isinstance(cell, list):
        return kind.check(cell, where)
    return kind.check(cell.to_pydatetime() if hasattr(cell, "to_pydatetime") else cell, where)


def _of_json(kind: DataType, cell: Any, where: str) -> Any:
    """A cell that is JSON text, or the native value itself where Arrow has a type for it (a decimal, a duration)."""
    if cell is None or not isinstance(cell, str):
        return kind.decode(cell, where) if cell is None else kind.check(cell, where)
    try:
        data = json.loads(cell)
    except ValueError:
        data = cell  # plain text, as others write a UUID
    return kind.decode(data, where)


def _fields(kind: DataType) -> Mapping[str, DataType]:
    return (kind.fields or {}) if isinstance(kind, (DictType, RecordType)) else {}


def _has_map(kind: DictType) -> bool:
    return kind.keys.kind in ("string", "integer")


def _is_naive(kind: DataType) -> bool:
    return isinstance(kind, DatetimeType) and kind.aware is False


def _numbers(kind: DataType) -> Column | None:
    """The column of an array or numpy scalar of plain numbers; None for all others."""
    column = getattr(kind, "column", None) if kind.kind in ("array", "scalar") else None
    plain = column is not None and column.parsed.family in ("float", "integer", "boolean")
    return column if plain else None
