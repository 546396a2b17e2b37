"""Tables of libraries that tell a missing value from NaN (polars, Arrow): one type, told apart by how cells go in and out.

Columns are spelled with the same words as pandas' (``int64``, ``str``, ``datetime64[us, UTC]``, ``category``); integers, booleans,
texts and categories take null when the sample had missing values. In JSON a missing value is null and NaN the text "NaN".
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

from modelyard.base.errors import InvalidInput
from modelyard.types.cells import Place, decode_cells, encode_cells
from modelyard.types.columns import Column
from modelyard.types.fitting import refit
from modelyard.types.interface import DataType
from modelyard.types.mismatch import inside
from modelyard.types.natives import native_table
from modelyard.types.scalar import only_fields
from modelyard.types.tables import RawTable, read_table, table_schema, wrong_columns


@dataclass(frozen=True)
class FrameType(DataType):
    """A table; a library adds how to describe, read and make one."""

    columns: Mapping[str, Column]

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.kind, "columns": {n: c.to_spelled() for n, c in self.columns.items()}}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled, "columns")
        columns = spelled.get("columns")
        if not isinstance(columns, Mapping):
            raise InvalidInput(
                f"type '{cls.kind}' needs a mapping of names to dtypes under 'columns'"
            )
        return cls({str(n): Column.from_spelled(c, f"column {n!r}") for n, c in columns.items()})

    def json_schema(self) -> dict[str, Any]:
        return table_schema(self.columns, {})

    def rows(self, value: Any) -> int | None:
        return len(value)

    @cached_property
    def _names(self) -> list[str]:
        return list(self.columns)

    def check(self, value: Any, where: str = "") -> Any:
        table = self.own(value)
        if table is None:
            return self._made(native_table(value, self._names, where), where)
        have = self.describe(table)
        if set(have) != set(self.columns):
            raise wrong_columns(list(have), self._names, where)
        if list(have) == self._names and all(_fits(have[n], c) for n, c in self.columns.items()):
            return table
        return self.make({n: self._fitted(table, n, have[n], where) for n in self.columns})

    def _fitted(self, table: Any, name: str, have: Column, where: str) -> Sequence[Any]:
        cells = self.cells(table, name, have)
        return refit(cells, have, self.columns[name], inside(where, name), _place(where, name))

    def decode(self, data: Any, where: str = "") -> Any:
        return self._made(read_table(data, self._names, where), where)

    def _made(self, table: RawTable, where: str) -> Any:
        cells = {}
        for (name, column), values in zip(self.columns.items(), table.columns(), strict=True):
            cells[name] = decode_cells(column, values, _place(where, name))
        return self.make(cells)

    def encode(self, value: Any) -> list[dict[str, Any]]:
        table = self.check(value)
        columns = [
            encode_cells(column, self.cells(table, name, column), name, nan="NaN")
            for name, column in self.columns.items()
        ]
        return [dict(zip(self._names, row, strict=True)) for row in zip(*columns, strict=True)]

    @abstractmethod
    def own(self, value: Any) -> Any | None:
        """The value as a table of this library, when it is one; None for anything else."""

    @abstractmethod
    def describe(self, table: Any) -> dict[str, Column]:
        """The columns of a table; `UnsupportedType` for those that have no exact JSON form."""

    @abstractmethod
    def cells(self, table: Any, name: str, column: Column) -> list[Any]:
        """The cells of a column."""

    @abstractmethod
    def make(self, cells: Mapping[str, Sequence[Any]]) -> Any:
        """A table of cells of the wanted columns."""


def _fits(have: Column, want: Column) -> bool:
    """Whether a column needs no change; one without missing values also fits where they are allowed."""
    return have == want or (want.nullable and replace(have, nullable=True) == want)


def _place(where: str, name: str) -> Place:
    return lambda i: f"{where}[{i}].{name}"
