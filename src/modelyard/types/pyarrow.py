"""Arrow tables: ``{type: arrow_table, columns: {a: float64, b: {dtype: int64, nullable: true}}}``.

A dictionary column is a category. Text comes back as ``string``, also where it was ``large_string``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import UnsupportedType
from modelyard.types.arrow_columns import array_of, cells_of, describe
from modelyard.types.columns import Column
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
        return cells_of(table.column(name), column)

    def make(self, cells: Mapping[str, Sequence[Any]]) -> pa.Table:
        import pyarrow as pa

        return pa.table({name: array_of(self.columns[name], c) for name, c in cells.items()})


def _columns_of(table: pa.Table) -> dict[str, Column]:
    names = table.column_names
    if len(set(names)) < len(names):
        twice = sorted({n for n in names if names.count(n) > 1})
        raise UnsupportedType(f"column names must be different, and {listed(twice)} come twice")
    return {name: describe(name, table.column(name)) for name in names}


KINDS: Mapping[str, type[DataType]] = {"arrow_table": ArrowTableType}


def claims(value: Any) -> bool:
    import pyarrow as pa

    return isinstance(value, (pa.Table, pa.RecordBatch))


def infer(value: Any) -> DataType:
    import pyarrow as pa

    table = pa.Table.from_batches([value]) if isinstance(value, pa.RecordBatch) else value
    return ArrowTableType(_columns_of(table))
