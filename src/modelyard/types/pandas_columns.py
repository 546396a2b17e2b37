"""One pandas column: its description, its cells, and a column made of cells."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import InvalidInput, UnsupportedType
from modelyard.types import numpy_cells as arrays
from modelyard.types.cells import Place
from modelyard.types.columns import Column
from modelyard.types.dtypes import parse_dtype
from modelyard.types.fitting import refit
from modelyard.types.mismatch import refusal
from modelyard.types.natives import object_cell

if TYPE_CHECKING:
    import pandas as pd


def column_of(series: pd.Series, where: str = "") -> Column:
    """What a card says of a column; `UnsupportedType` for one that has no exact JSON form."""
    import pandas as pd

    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _category_column(series, where)
    if dtype == "object":
        return _object_column(series, where)
    name = _name_of(dtype)
    try:
        parsed = parse_dtype(name)
        made = pandas_dtype(Column(name))
    except (InvalidInput, TypeError, ValueError, KeyError):
        raise UnsupportedType(
            f"{where or 'the column'}: dtype {dtype} has no data type",
            hint="convert it first, for example with .astype(str)",
        ) from None
    if made != dtype and parsed.family in ("datetime", "duration"):
        raise UnsupportedType(f"{where or 'the column'}: dtype {dtype} cannot be spelled in a card")
    return Column(name, nullable=not parsed.holds_missing and bool(series.isna().any()))


def _name_of(dtype: Any) -> str:
    import pandas as pd

    if isinstance(dtype, pd.StringDtype):
        return "string" if dtype.na_value is pd.NA else "str"
    # Byte order is a property of where the data came from.
    return dtype.name if getattr(dtype, "byteorder", "=") in "<>" else str(dtype)


def _category_column(series: pd.Series, where: str) -> Column:
    categories = series.cat.categories.tolist()
    strange = [
        c for c in categories if type(c) not in (str, int, float, bool) or c in (_INF, -_INF)
    ]
    if strange:
        raise UnsupportedType(
            f"{where or 'the column'}: categories of type {type(strange[0]).__name__} have no data type",
            hint="use texts, numbers or booleans as categories, for example with .astype(str)",
        )
    return Column(
        "category",
        nullable=bool(series.isna().any()),
        categories=tuple(categories),
        ordered=bool(series.cat.ordered),
    )


_INF = float("inf")
CANNOT_MISS = ("float", "integer", "boolean")
"""Families of which a column of the right dtype needs no look for missing values: it has none, or may."""
_NUMBERS = ("float", "integer")


def _object_column(series: pd.Series, where: str) -> Column:
    try:
        return arrays.object_column(series.tolist())
    except UnsupportedType as error:
        raise UnsupportedType(
            f"{where or 'the column'}: {error.message}", hint=error.hint
        ) from None


def pandas_dtype(column: Column) -> Any:
    """The dtype that columns are made with."""
    # To a cache, categories of True and 1 are the same: their classes make the difference.
    return _pandas_dtype(column, tuple(map(type, column.categories)))


@lru_cache(maxsize=1024)
def _pandas_dtype(column: Column, _classes: tuple[type, ...]) -> Any:
    import pandas as pd

    name, parsed = column.dtype, column.parsed
    if parsed.family == "category":
        return pd.CategoricalDtype(list(column.categories), ordered=column.ordered)
    if name.endswith("[pyarrow]"):
        return pd.ArrowDtype(_arrow_type(name.removesuffix("[pyarrow]"), parsed.unit, parsed.zone))
    if name == "str":
        return pd.Series([""]).dtype  # object before pandas 3
    if name in ("bytes", "date"):
        raise InvalidInput(f"pandas has no dtype {name!r}")
    return pd.api.types.pandas_dtype(name)


def _arrow_type(name: str, unit: str, zone: str) -> Any:
    import pyarrow as pa

    if name.startswith("timestamp"):
        return pa.timestamp(unit, zone or None)  # type: ignore[arg-type]  # parsed from pyarrow's own spelling
    if name.startswith("duration"):
        return pa.duration(unit)  # type: ignore[arg-type]
    return pa.type_for_alias({"date32[day]": "date32"}.get(name, name))


def cells_of(series: pd.Series, column: Column) -> list[Any]:
    """The cells of a column of that description, missing ones as None."""
    import pandas as pd

    parsed = column.parsed
    if parsed.family in ("datetime", "duration"):
        return _time_cells(series, column)
    if parsed.family == "period":
        return [None if v is pd.NaT else str(v) for v in series.tolist()]
    if isinstance(series.dtype, pd.CategoricalDtype):
        categories = series.cat.categories.tolist()
        return [None if code < 0 else categories[code] for code in series.cat.codes.tolist()]
    if parsed.extension:
        return series.to_numpy(dtype=object, na_value=None).tolist()
    if parsed.family == "object":
        return [object_cell(v) for v in series.tolist()]
    return [None if v is None or v != v else v for v in series.tolist()]


def _time_cells(series: pd.Series, column: Column) -> list[Any]:
    import pandas as pd

    parsed = column.parsed
    if isinstance(series.dtype, pd.ArrowDtype):
        import pyarrow as pa

        width = pa.int32() if parsed.unit == "D" else pa.int64()
        return pa.array(series).cast(width).to_pylist()
    if parsed.zone:
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    return arrays.cells_of(series.to_numpy(), Column(str(series.dtype)))


def array_of(column: Column, cells: Sequence[Any]) -> Any:
    """A numpy or extension array of decoded cells, as a DataFrame takes it."""
    import pandas as pd

    parsed = column.parsed
    dtype = pandas_dtype(column)
    if parsed.family == "category":
        numbers = [-1 if c is None else column.code(c) for c in cells]
        return pd.Categorical.from_codes(numbers, dtype=dtype)
    if isinstance(dtype, pd.ArrowDtype):
        import pyarrow as pa

        return dtype.construct_array_type()._from_sequence(
            pa.array(cells, type=dtype.pyarrow_dtype), dtype=dtype
        )
    if parsed.family == "string":
        return _texts(dtype, cells)
    if parsed.zone:
        moments = arrays.array_of(Column(f"datetime64[{parsed.unit}]"), cells)
        return pd.Series(moments).dt.tz_localize("UTC").dt.tz_convert(parsed.zone).array
    if parsed.family == "period":
        return _periods(dtype, cells)
    if parsed.extension:
        return pd.array(list(cells), dtype=dtype)
    return arrays.array_of(column, cells)


def fit(series: pd.Series, column: Column, where: str, place: Place) -> Any:
    """An array in the column's dtype whose values are those of the series, or None when the series fits as it is.

    Allowed is what changes no value: wider numbers, integral floats as integers, texts held in any way, ISO 8601
    texts as datetimes, known values as categories. Anything else is `SchemaMismatch`.
    """
    same = _has_dtype(series, column)
    if same and column.parsed.family in CANNOT_MISS:
        return None
    if not column.takes_missing and series.isna().any():
        first = int(series.isna().to_numpy().argmax())
        raise refusal(place(first), column.expected, "a missing value")
    if same:
        return None
    have = _described(series, where)
    family, wanted = have.parsed.family, column.parsed.family
    plain = not have.parsed.extension and not column.parsed.extension
    if plain and family in _NUMBERS and wanted in (*_NUMBERS, "complex"):
        return arrays.fit(series.to_numpy(), column, where)
    cells = refit(cells_of(series, have), have, column, where, place)
    return None if wanted == family == "object" else array_of(column, cells)


def _texts(dtype: Any, cells: Sequence[Any]) -> Any:
    import pandas as pd

    if not isinstance(dtype, pd.StringDtype):
        return arrays.array_of(_OBJECT, cells)  # before pandas 3
    if dtype.storage == "pyarrow" and not pd.__version__.startswith("2."):
        import pyarrow as pa

        # Straight from Arrow: three times as fast as pandas' way through an array of objects.
        return pd.arrays.ArrowStringArray(pa.array(cells, pa.large_string()), dtype=dtype)  # type: ignore[call-arg]
    texts = arrays.array_of(_OBJECT, [dtype.na_value if c is None else c for c in cells])
    return dtype.construct_array_type()._from_sequence(texts, dtype=dtype)


_OBJECT = Column("object", items="string")


def _periods(dtype: Any, cells: Sequence[Any]) -> Any:
    import pandas as pd

    try:
        return pd.array(
            [pd.NaT if c is None else pd.Period(c, freq=dtype.freq) for c in cells], dtype=dtype
        )
    except ValueError as error:
        raise refusal("", f"periods of {dtype.freq.freqstr}", f"what is none ({error})") from None


def _has_dtype(series: pd.Series, column: Column) -> bool:
    """Whether nothing but missing values can be wrong with it. The order of categories counts: it gives their codes."""
    wanted = pandas_dtype(column)
    if column.parsed.family == "category":
        return series.dtype == wanted and series.cat.categories.equals(wanted.categories)
    return column.parsed.family != "object" and series.dtype == wanted


def _described(series: pd.Series, where: str) -> Column:
    try:
        return column_of(series, where)
    except UnsupportedType as error:
        raise refusal(where, "a column this model knows", error.message, hint=error.hint) from None
