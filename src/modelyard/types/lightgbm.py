"""LightGBM's Dataset, for its rows: ``{type: lightgbm_dataset, of: {type: dataframe, columns: …}}``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelyard import types
from modelyard.base.errors import UnsupportedType
from modelyard.types.interface import DataType
from modelyard.types.wrapped import WrappedType


@dataclass(frozen=True)
class DatasetType(WrappedType):
    """A Dataset that keeps its rows."""

    kind = "lightgbm_dataset"

    def wrap(self, table: Any) -> Any:
        import lightgbm

        return lightgbm.Dataset(table, free_raw_data=False)

    def unwrap(self, value: Any) -> Any:
        return _rows(value)

    def fitted(self, value: Any, where: str) -> Any | None:
        import lightgbm

        if not isinstance(value, lightgbm.Dataset):
            return None
        rows = _rows(value)
        checked = self.of.check(rows, where)
        return value if checked is rows else self.wrap(checked)

    def rows(self, value: Any) -> int | None:
        return self.of.rows(_rows(value))

    def head(self, value: Any, count: int) -> Any:
        rows = _rows(value)
        return self.wrap(rows.iloc[:count] if hasattr(rows, "iloc") else rows[:count])


def _rows(dataset: Any) -> Any:
    if dataset.data is None or isinstance(dataset.data, str):
        raise UnsupportedType(
            "this Dataset does not have its rows",
            hint="give the table itself, or make it with lightgbm.Dataset(…, free_raw_data=False)",
        )
    return dataset.data


KINDS: Mapping[str, type[DataType]] = {"lightgbm_dataset": DatasetType}


def claims(value: Any) -> bool:
    import lightgbm

    return isinstance(value, lightgbm.Dataset)


def infer(value: Any) -> DataType:
    return DatasetType(types.infer(_rows(value)))


def from_hint(hint: Any) -> DataType | None:
    """A bare ``lightgbm.Dataset`` says nothing of the columns."""
    return None
