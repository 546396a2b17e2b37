"""pandas frames and series: which values they are, and how a value becomes a type.

The types stand in `pandas_frame` and `pandas_series`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import UnsupportedType
from modelyard.types import pandas_columns
from modelyard.types.columns import Column
from modelyard.types.interface import DataType
from modelyard.types.mismatch import listed
from modelyard.types.pandas_frame import DataFrameType
from modelyard.types.pandas_series import SeriesType

if TYPE_CHECKING:
    import pandas as pd

KINDS: Mapping[str, type[DataType]] = {"dataframe": DataFrameType, "series": SeriesType}


def claims(value: Any) -> bool:
    import pandas as pd

    return isinstance(value, (pd.DataFrame, pd.Series))


def infer(value: Any) -> DataType:
    import pandas as pd

    if isinstance(value, pd.Series):
        name = value.name if isinstance(value.name, (str, int)) else None
        return SeriesType(pandas_columns.column_of(value), name)
    _check_names(value)
    columns = {
        name: pandas_columns.column_of(value.iloc[:, i], f"column {name!r}")
        for i, name in enumerate(value.columns.tolist())
    }
    return DataFrameType(columns, _infer_index(value))


def _check_names(frame: pd.DataFrame) -> None:
    names = frame.columns.tolist()
    twice = (
        sorted({str(n) for n in names if names.count(n) > 1})
        if len(set(names)) < len(names)
        else []
    )
    if twice:
        raise UnsupportedType(f"column names must be different, and {listed(twice)} come twice")
    kinds = {type(n) for n in names}
    if kinds - {str, int} or len(kinds) > 1:
        raise UnsupportedType(
            f"column names must all be texts or all integers, got {listed(names)}",
            hint="X.columns = X.columns.map(str)",
        )


def _infer_index(frame: pd.DataFrame) -> dict[str, Column]:
    names = list(frame.index.names)
    if not all(isinstance(n, str) for n in names) or set(names) & set(map(str, frame.columns)):
        return {}
    return {
        n: pandas_columns.column_of(frame.index.get_level_values(n).to_series(), f"index {n!r}")
        for n in names
    }


def from_hint(hint: Any) -> DataType | None:
    """A bare ``pd.DataFrame`` says nothing of the columns."""
    return None
