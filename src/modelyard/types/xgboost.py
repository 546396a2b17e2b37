"""XGBoost's DMatrix: ``{type: dmatrix, of: {type: dataframe, columns: {age: float64, town: {dtype: category, …}}}}``.

With names of features it stands for a frame, without for an array. Absent cells are missing values. ``features`` spells the
library's types of features where the table alone would lead to others (codes of categories in plain numbers).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from modelyard import types
from modelyard.base.errors import InvalidInput
from modelyard.types.columns import Column
from modelyard.types.interface import DataType
from modelyard.types.mismatch import listed, refusal
from modelyard.types.numpy import ArrayType
from modelyard.types.pandas_frame import DataFrameType
from modelyard.types.scalar import only_fields
from modelyard.types.wrapped import WrappedType

_DTYPES = {"int": "Int64", "i": "boolean", "float": "float64"}
"""Type of a feature -> the dtype of a column that becomes one."""


@dataclass(frozen=True)
class DMatrixType(WrappedType):
    """A DMatrix: its features, any number of rows."""

    kind = "dmatrix"
    features: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return super().to_dict() | ({"features": list(self.features)} if self.features else {})

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled, "of", "features")
        features = spelled.get("features", ())
        if not isinstance(features, (list, tuple)):
            raise InvalidInput("type 'dmatrix': 'features' is a list of types, like [q, c]")
        return cls(cls.read_table(spelled), tuple(map(str, features)))

    def wrap(self, table: Any) -> Any:
        import xgboost

        return xgboost.DMatrix(
            table, feature_types=list(self.features) or None, enable_categorical=True
        )

    def unwrap(self, value: Any) -> Any:
        dense = _dense(value)
        if not isinstance(self.of, DataFrameType):
            return dense
        import pandas as pd

        columns = {
            name: _cells(dense[:, i], column)
            for i, (name, column) in enumerate(self.of.columns.items())
        }
        return pd.DataFrame(columns)

    def fitted(self, value: Any, where: str) -> Any | None:
        import xgboost

        if not isinstance(value, xgboost.DMatrix):
            return None
        if isinstance(self.of, DataFrameType):
            names = list(self.of.names)
            if value.feature_names != names:
                got = listed(value.feature_names) if value.feature_names else "none"
                raise refusal(where, f"the features {listed(names)}", got)
        elif isinstance(self.of, ArrayType) and value.num_col() != self.of.shape[1]:
            raise refusal(where, f"{self.of.shape[1]} features", str(value.num_col()))
        return value

    def rows(self, value: Any) -> int | None:
        return value.num_row()

    def head(self, value: Any, count: int) -> Any:
        return value.slice(range(min(count, value.num_row())), allow_groups=True)


def _dense(matrix: Any) -> Any:
    """All cells as an array, NaN where there is none."""
    import numpy as np

    rows = matrix.get_data()
    dense = np.full(rows.shape, np.nan)
    dense[np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr)), rows.indices] = rows.data
    return dense


def _cells(codes: Any, column: Column) -> Any:
    import numpy as np
    import pandas as pd

    if column.dtype != "category":
        return pd.Series(codes).astype(column.dtype)
    known = np.where(np.isnan(codes), -1, codes).astype(int)
    return pd.Categorical.from_codes(known, list(column.categories))


KINDS: Mapping[str, type[DataType]] = {"dmatrix": DMatrixType}


def claims(value: Any) -> bool:
    import xgboost

    return isinstance(value, xgboost.DMatrix)


def infer(value: Any) -> DataType:
    names, features = value.feature_names, value.feature_types or []
    if names is None:
        table: DataType = types.parse(
            {"type": "array", "dtype": "float64", "shape": [None, value.num_col()]}
        )
        return DMatrixType(table, tuple(features))
    known = _categories(value) if "c" in features else {}
    columns = {
        name: Column("category", categories=known[name])
        if name in known
        else Column(_DTYPES.get(features[i] if features else "float", "float64"))
        for i, name in enumerate(names)
    }
    made = [_feature(column) for column in columns.values()]
    plain = not features or made == list(features)
    return DMatrixType(DataFrameType(columns), () if plain else tuple(features))


def _feature(column: Column) -> str:
    """The type of a feature that a column becomes."""
    words = {dtype: word for word, dtype in _DTYPES.items()}
    return "c" if column.dtype == "category" else words[column.dtype]


def _categories(value: Any) -> dict[str, tuple[Any, ...]]:
    """The categories by feature; none where the library does not tell them, which then are codes."""
    try:
        found = value.get_categories(export_to_arrow=True).to_arrow()
    except (AttributeError, ImportError):  # before version 3.1, or without pyarrow
        return {}
    return {name: tuple(array.to_pylist()) for name, array in found if array is not None}


def from_hint(hint: Any) -> DataType | None:
    """A bare ``xgboost.DMatrix`` says nothing of the features."""
    return None
