"""pandas series as a data type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from modelyard.types import pandas_columns
from modelyard.types.cells import Place, cell_schema, decode_cells, encode_cells
from modelyard.types.columns import Column
from modelyard.types.interface import DataType
from modelyard.types.mismatch import mismatch, refusal
from modelyard.types.natives import as_json_list

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SeriesType(DataType):
    """``{type: series, name: target, dtype: float64}``: one column; in JSON a list."""

    kind = "series"
    column: Column
    name: str | int | None = None

    @property
    def dtype(self) -> str:
        return self.column.dtype

    def to_dict(self) -> dict[str, Any]:
        named = {} if self.name is None else {"name": self.name}
        return {"type": self.kind, **named, "dtype": self.dtype, **self.column.details()}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        column = {k: v for k, v in spelled.items() if k not in ("type", "name")}
        return cls(Column.from_spelled(column, "series"), spelled.get("name"))

    def json_schema(self) -> dict[str, Any]:
        named = {} if self.name is None else {"title": str(self.name)}
        return {**named, "type": "array", "items": cell_schema(self.column)}

    def check(self, value: Any, where: str = "") -> pd.Series:
        import pandas as pd

        place = _item_place(where)
        if isinstance(value, (list, tuple)):
            natives = as_json_list(value)
            return self._made(decode_cells(self.column, natives, place))
        if isinstance(value, pd.DataFrame) and value.shape[1] == 1:
            value = value.iloc[:, 0]
        elif hasattr(value, "to_pandas"):
            value = value.to_pandas()
        elif getattr(value, "ndim", 0) == 1 and not isinstance(value, pd.Series):
            value = pd.Series(value)
        if not isinstance(value, pd.Series):
            raise mismatch(where, "a series", value)
        fitted = pandas_columns.fit(value, self.column, where, place)
        if fitted is not None:
            value = pd.Series(fitted, index=value.index, name=value.name)
        return value if value.name == self.name else value.rename(self.name)

    def _made(self, cells: Sequence[Any]) -> pd.Series:
        import pandas as pd

        return pd.Series(pandas_columns.array_of(self.column, cells), name=self.name)

    def decode(self, data: Any, where: str = "") -> pd.Series:
        if type(data) is not list:
            raise mismatch(where, "a list", data)
        if not data:
            raise refusal(where, "at least one value", "an empty list")
        return self._made(decode_cells(self.column, data, _item_place(where)))

    def encode(self, value: Any) -> list[Any]:
        series = self.check(value)
        return encode_cells(self.column, pandas_columns.cells_of(series, self.column))

    def rows(self, value: Any) -> int | None:
        return len(value)


def _item_place(where: str) -> Place:
    return lambda i: f"{where}[{i}]"
