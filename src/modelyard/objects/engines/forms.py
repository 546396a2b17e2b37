"""Records as bare numpy arrays: the forms that engines take.

======== ==================================== ==========================================
form     for                                  gives
======== ==================================== ==========================================
Matrix   tables of plain numbers              one array of rows, columns in the schema's order
Columns  any table                            a dict of one flat array a column, by name
Plain    arrays, series, lists of scalars     one array
======== ==================================== ==========================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from modelyard.types.cells import decode_cells
from modelyard.types.columns import Column
from modelyard.types.interface import DataType
from modelyard.types.numpy_cells import array_of, is_floats, plain_block
from modelyard.types.tables import RawTable, read_table


@dataclass(frozen=True)
class Matrix:
    """A table of numbers as one array of the dtype that its columns have in common."""

    columns: Mapping[str, Column]
    """By their name in JSON, in order."""
    dtype: str

    @classmethod
    def of(cls, type: DataType) -> Matrix | None:
        """The matrix for a table type; None where a column is anything but plain numbers."""
        import numpy as np

        columns = columns_of(type)
        if not columns:
            return None
        parsed = [column.parsed for column in columns.values()]
        if any(p.family not in ("float", "integer") or p.extension for p in parsed):
            return None
        common = np.result_type(*(np.dtype(column.dtype) for column in columns.values()))
        return cls(columns, common.name)

    @cached_property
    def _names(self) -> list[str]:
        return list(self.columns)

    @cached_property
    def _all_floats(self) -> bool:
        return all(column.dtype == "float64" for column in self.columns.values())

    def decode(self, data: Any, where: str = "") -> Any:
        """The array of a table in any JSON form, or `SchemaMismatch` as the table's own type has it."""
        import numpy as np

        table = read_table(data, self._names, where)
        if self._all_floats and table.rows is not None and all(map(is_floats, table.rows)):
            return np.array(table.rows, dtype=np.float64)
        # Column after column in memory, as a frame of columns gives it: products then have the same last bits.
        array = np.empty((len(self._names), table.length), dtype=self.dtype).T
        for i, (name, values) in enumerate(zip(self._names, table.columns(), strict=True)):
            array[:, i] = _cells(self.columns[name], name, values, where)
        return array

    def fit(self, value: Any) -> Any:
        """The array of a checked frame, as the model itself would make it."""
        return value.to_numpy(dtype=self.dtype)

    def join(self, parts: Sequence[Any]) -> Any:
        import numpy as np

        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def rows(self, value: Any) -> int:
        return len(value)


@dataclass(frozen=True)
class Columns:
    """A table as one flat array a column: numbers and booleans in their dtype, everything else as objects with None for what
    is missing."""

    columns: Mapping[str, Column]

    @classmethod
    def of(cls, type: DataType) -> Columns | None:
        """The columns of a table type; None for what is no table, or has an index."""
        columns = columns_of(type)
        return cls(columns) if columns else None

    @cached_property
    def _names(self) -> list[str]:
        return list(self.columns)

    def decode(self, data: Any, where: str = "") -> dict[str, Any]:
        """The arrays of a table in any JSON form, or `SchemaMismatch` as the table's own type has it."""
        table: RawTable = read_table(data, self._names, where)
        return {
            name: _cells(self.columns[name], name, values, where)
            for name, values in zip(self._names, table.columns(), strict=True)
        }

    def fit(self, value: Any) -> dict[str, Any]:
        """The arrays of a checked frame."""
        from modelyard.types import pandas_columns

        found = {}
        for i, (name, column) in enumerate(self.columns.items()):
            cells = pandas_columns.cells_of(value.iloc[:, i], column)
            found[name] = _array(column, cells)
        return found

    def join(self, parts: Sequence[Any]) -> dict[str, Any]:
        import numpy as np

        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in self._names}

    def rows(self, value: Any) -> int:
        return len(next(iter(value.values())))


@dataclass(frozen=True)
class Plain:
    """An array, a series or a list of scalars as the array that it is."""

    type: DataType

    def decode(self, data: Any, where: str = "") -> Any:
        return self.fit(self.type.decode(data, where))

    def fit(self, value: Any) -> Any:
        import numpy as np

        if hasattr(value, "detach"):  # a tensor
            value = value.detach().cpu().numpy()
        return np.asarray(value)

    def join(self, parts: Sequence[Any]) -> Any:
        import numpy as np

        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def rows(self, value: Any) -> int:
        return len(value)


def columns_of(type: DataType) -> Mapping[str, Column] | None:
    """The columns of a frame by their name in JSON; None for what is no frame, or has a named index."""
    if type.kind != "dataframe" or getattr(type, "index", None):
        return None
    columns: Mapping[Any, Column] = type.columns  # type: ignore[attr-defined]  # a frame's
    return {str(name): column for name, column in columns.items()}


def _cells(column: Column, name: str, values: Sequence[Any], where: str) -> Any:
    block = plain_block(column.dtype, [values]) if _is_plain(column) else None
    if block is not None:
        return block[0]
    return _array(column, decode_cells(column, values, lambda i: f"{where}[{i}].{name}"))


def _array(column: Column, cells: Sequence[Any]) -> Any:
    import numpy as np

    if _is_plain(column):
        return array_of(column, cells)
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return array


def _is_plain(column: Column) -> bool:
    parsed = column.parsed
    return parsed.family in ("float", "integer", "boolean") and not parsed.extension
