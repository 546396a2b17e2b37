"""polars frames and series: ``{type: polars_dataframe, columns: {a: float64, b: {dtype: int64, nullable: true}}}``.

An Enum is an ordered category, a Categorical one without order. A LazyFrame has no values yet and so no type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from modelyard.base.errors import InvalidInput, UnsupportedType
from modelyard.types.cells import cell_schema, decode_cells, encode_cells
from modelyard.types.columns import Column
from modelyard.types.dtypes import parse_dtype
from modelyard.types.fitting import refit
from modelyard.types.frames import FrameType
from modelyard.types.interface import DataType
from modelyard.types.mismatch import mismatch, refusal
from modelyard.types.natives import as_json_list

if TYPE_CHECKING:
    import polars as pl


class PolarsFrameType(FrameType):
    """A polars DataFrame."""

    kind = "polars_dataframe"

    def own(self, value: Any) -> pl.DataFrame | None:
        import polars as pl

        return value if isinstance(value, pl.DataFrame) else None

    def describe(self, table: pl.DataFrame) -> dict[str, Column]:
        return {column.name: describe(column) for column in table.get_columns()}

    def cells(self, table: pl.DataFrame, name: str, column: Column) -> list[Any]:
        return cells_of(table.get_column(name), column)

    def make(self, cells: Mapping[str, Sequence[Any]]) -> pl.DataFrame:
        import polars as pl

        return pl.DataFrame([series_of(n, self.columns[n], c) for n, c in cells.items()])


@dataclass(frozen=True)
class PolarsSeriesType(DataType):
    """A polars Series: ``{type: polars_series, name: y, dtype: int64}``; in JSON a list."""

    kind = "polars_series"
    column: Column
    name: str = ""

    @property
    def dtype(self) -> str:
        return self.column.dtype

    def to_dict(self) -> dict[str, Any]:
        named = {"name": self.name} if self.name else {}
        return {"type": self.kind, **named, "dtype": self.dtype, **self.column.details()}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        column = {k: v for k, v in spelled.items() if k not in ("type", "name")}
        return cls(Column.from_spelled(column, cls.kind), str(spelled.get("name", "")))

    def json_schema(self) -> dict[str, Any]:
        named = {"title": self.name} if self.name else {}
        return {**named, "type": "array", "items": cell_schema(self.column)}

    def check(self, value: Any, where: str = "") -> pl.Series:
        import polars as pl

        if not isinstance(value, pl.Series):
            natives = as_json_list(value)
            if not isinstance(natives, list):
                raise mismatch(where, "a series", value)
            return series_of(
                self.name, self.column, decode_cells(self.column, natives, _place(where))
            )
        have = describe(value)
        if have != self.column:
            cells = refit(cells_of(value, have), have, self.column, where, _place(where))
            value = series_of(self.name, self.column, cells)
        return value if value.name == self.name else value.alias(self.name)

    def decode(self, data: Any, where: str = "") -> pl.Series:
        if type(data) is not list:
            raise mismatch(where, "a list", data)
        if not data:
            raise refusal(where, "at least one value", "an empty list")
        return series_of(self.name, self.column, decode_cells(self.column, data, _place(where)))

    def encode(self, value: Any) -> list[Any]:
        series = self.check(value)
        return encode_cells(self.column, cells_of(series, self.column), nan="NaN")

    def rows(self, value: Any) -> int | None:
        return len(value)


def _place(where: str) -> Any:
    return lambda i: f"{where}[{i}]"


def describe(series: pl.Series) -> Column:
    """What a card says of a column."""
    import polars as pl

    dtype = series.dtype
    nullable = series.null_count() > 0
    if isinstance(dtype, (pl.Enum, pl.Categorical)):
        ordered = isinstance(dtype, pl.Enum)
        categories = (
            dtype.categories
            if isinstance(dtype, pl.Enum)
            else series.drop_nulls().unique().cast(pl.String).sort()
        )
        return Column("category", nullable, tuple(categories.to_list()), ordered)
    try:
        parsed = parse_dtype(_name_of(dtype))
    except InvalidInput:
        raise UnsupportedType(
            f"column {series.name!r}: polars' {dtype} has no data type",
            hint="use numbers, booleans, texts, bytes, dates, datetimes, durations or categories",
        ) from None
    return Column(parsed.name, nullable=nullable and not parsed.holds_missing)


def _name_of(dtype: Any) -> str:
    import polars as pl

    if isinstance(dtype, pl.Datetime):
        return f"datetime64[{dtype.time_unit}{f', {dtype.time_zone}' if dtype.time_zone else ''}]"
    if isinstance(dtype, pl.Duration):
        return f"timedelta64[{dtype.time_unit}]"
    known = {"String": "str", "Boolean": "bool", "Binary": "bytes", "Date": "date"}
    return known.get(str(dtype), str(dtype).lower())


def _polars_dtype(column: Column) -> Any:
    import polars as pl

    parsed = column.parsed
    if parsed.family == "category":
        return pl.Enum(list(column.categories)) if column.ordered else pl.Categorical()
    if parsed.family == "datetime" and parsed.name != "date":
        return pl.Datetime(_unit(column), parsed.zone or None)
    if parsed.family == "duration":
        return pl.Duration(_unit(column))
    known = {"str": "String", "bool": "Boolean", "bytes": "Binary", "date": "Date"}
    name = known.get(column.dtype) or column.dtype.replace("uint", "UInt").replace(
        "int", "Int"
    ).replace("float", "Float")
    found = getattr(pl, name, None)
    if found is None:
        raise InvalidInput(f"polars has no dtype {column.dtype!r}")
    return found()


def _unit(column: Column) -> Any:
    if column.parsed.unit not in ("ms", "us", "ns"):
        raise InvalidInput(f"polars has no dtype {column.dtype!r}")
    return column.parsed.unit


def cells_of(series: pl.Series, column: Column) -> list[Any]:
    """The cells of a column of that description."""
    import polars as pl

    family = column.parsed.family
    if family in ("datetime", "duration"):
        return series.to_physical().to_list()
    return (series.cast(pl.String) if family == "category" else series).to_list()


def series_of(name: str, column: Column, cells: Sequence[Any]) -> pl.Series:
    """A column of decoded cells."""
    import polars as pl

    dtype, parsed = _polars_dtype(column), column.parsed
    if parsed.family in ("datetime", "duration"):
        return pl.Series(name, cells, dtype=pl.Int64).cast(dtype)
    return pl.Series(name, cells, dtype=dtype)


KINDS: Mapping[str, type[DataType]] = {
    "polars_dataframe": PolarsFrameType,
    "polars_series": PolarsSeriesType,
}


def claims(value: Any) -> bool:
    import polars as pl

    return isinstance(value, (pl.DataFrame, pl.Series, pl.LazyFrame))


def infer(value: Any) -> DataType:
    import polars as pl

    if isinstance(value, pl.LazyFrame):
        raise UnsupportedType("a LazyFrame has no values yet", hint="call .collect() first")
    if isinstance(value, pl.Series):
        return PolarsSeriesType(describe(value), value.name)
    return PolarsFrameType({column.name: describe(column) for column in value.get_columns()})
