"""Arrow tables: ``{type: arrow_table, columns: {a: float64, b: {dtype: int64, nullable: true}}}``.

A dictionary column is a category. Text comes back as ``string``, also where it was ``large_string``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import InvalidInput, UnsupportedType
from modelyard.types.columns import Column
from modelyard.types.dtypes import parse_dtype
from modelyard.types.frames import FrameType
from modelyard.types.interface import DataType
from modelyard.types.mismatch import listed

if TYPE_CHECKING:
    import pyarrow as pa


class ArrowTableType(FrameType):
    """A pyarrow Table; record batches are taken for one."""

    kind = "arrow_table"

    def own(self, value: Any) -> pa.Table | None:
        import pyarrow as pa

        if isinstance(value, pa.RecordBatch):
            return pa.Table.from_batches([value])
        return value if isinstance(value, pa.Table) else None

    def describe(self, table: pa.Table) -> dict[str, Column]:
        return _columns_of(table)

    def cells(self, table: pa.Table, name: str, column: Column) -> list[Any]:
        import pyarrow as pa

        values = table.column(name)
        if column.parsed.family in ("datetime", "duration"):
            return values.cast(pa.int32() if column.dtype == "date" else pa.int64()).to_pylist()
        return values.to_pylist()

    def make(self, cells: Mapping[str, Sequence[Any]]) -> pa.Table:
        import pyarrow as pa

        return pa.table({name: _array(self.columns[name], c) for name, c in cells.items()})


def _columns_of(table: pa.Table) -> dict[str, Column]:
    names = table.column_names
    if len(set(names)) < len(names):
        twice = sorted({n for n in names if names.count(n) > 1})
        raise UnsupportedType(f"column names must be different, and {listed(twice)} come twice")
    return {name: _describe(name, table.column(name)) for name in names}


def _describe(name: str, values: pa.ChunkedArray[Any]) -> Column:
    import pyarrow as pa

    kind = values.type
    nullable = values.null_count > 0
    if pa.types.is_dictionary(kind):
        categories = (
            values.unify_dictionaries().chunk(0).dictionary if values.num_chunks else pa.array([])
        )
        return Column("category", nullable, tuple(categories.to_pylist()), bool(kind.ordered))
    try:
        parsed = parse_dtype(_name_of(kind))
    except InvalidInput:
        raise UnsupportedType(
            f"column {name!r}: Arrow's {kind} has no data type",
            hint="use numbers, booleans, texts, bytes, dates, timestamps, durations or dictionaries of texts",
        ) from None
    return Column(parsed.name, nullable=nullable and not parsed.holds_missing)


_NAMES = {
    "halffloat": "float16", "float": "float32", "double": "float64", "string": "str", "large_string": "str",
    "binary": "bytes", "large_binary": "bytes", "date32[day]": "date",
}  # fmt: skip


def _name_of(kind: Any) -> str:
    name = str(kind)
    return _NAMES.get(name) or name.replace("timestamp", "datetime64").replace(
        "duration", "timedelta64"
    ).replace("tz=", "")


def _arrow_type(column: Column) -> Any:
    import pyarrow as pa

    parsed = column.parsed
    if parsed.family == "datetime" and column.dtype != "date":
        return pa.timestamp(parsed.unit, parsed.zone or None)  # type: ignore[arg-type]  # one of UNITS
    if parsed.family == "duration":
        return pa.duration(parsed.unit)  # type: ignore[arg-type]
    known = {
        "str": "string",
        "bytes": "binary",
        "date": "date32",
        **{v: k for k, v in _NAMES.items() if "float" in v},
    }
    try:
        return pa.type_for_alias(known.get(column.dtype, column.dtype))
    except ValueError:
        raise InvalidInput(f"Arrow has no dtype {column.dtype!r}") from None


def _array(column: Column, cells: Sequence[Any]) -> Any:
    import pyarrow as pa

    family = column.parsed.family
    if family == "category":
        numbers = pa.array([None if c is None else column.code(c) for c in cells], pa.int32())
        return pa.DictionaryArray.from_arrays(
            numbers, pa.array(column.categories), ordered=column.ordered
        )
    if family in ("datetime", "duration"):
        plain = pa.int32() if column.dtype == "date" else pa.int64()
        return pa.array(cells, plain).cast(_arrow_type(column))
    return pa.array(cells, _arrow_type(column))


KINDS: Mapping[str, type[DataType]] = {"arrow_table": ArrowTableType}


def claims(value: Any) -> bool:
    import pyarrow as pa

    return isinstance(value, (pa.Table, pa.RecordBatch))


def infer(value: Any) -> DataType:
    import pyarrow as pa

    table = pa.Table.from_batches([value]) if isinstance(value, pa.RecordBatch) else value
    return ArrowTableType(_columns_of(table))
