"""CatBoost's Pool: ``{type: catboost_pool, of: {type: dataframe, columns: {age: float64, town: str}}, categories: [town]}``.

A Pool keeps hashes of categories and texts, not their words: one that has such features is made from JSON and tables, but
has no JSON itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from modelyard.base.errors import InvalidInput, UnsupportedType
from modelyard.types.columns import Column
from modelyard.types.interface import DataType
from modelyard.types.mismatch import listed, refusal
from modelyard.types.pandas_frame import DataFrameType
from modelyard.types.scalar import only_fields
from modelyard.types.wrapped import WrappedType


@dataclass(frozen=True)
class PoolType(WrappedType):
    """A Pool: its features by name, those that are categories, and those that are texts."""

    kind = "catboost_pool"
    categories: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        parts = {"categories": list(self.categories), "texts": list(self.texts)}
        return super().to_dict() | {name: names for name, names in parts.items() if names}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled, "of", "categories", "texts")
        table = cls.read_table(spelled)
        if not isinstance(table, DataFrameType):
            raise InvalidInput("type 'catboost_pool' needs a dataframe under 'of'")
        parts = [spelled.get(part, []) for part in ("categories", "texts")]
        if not all(isinstance(p, (list, tuple)) and set(table.names).issuperset(p) for p in parts):
            raise InvalidInput(
                "type 'catboost_pool': 'categories' and 'texts' are lists of columns"
            )
        return cls(table, *map(tuple, parts))

    def wrap(self, table: Any) -> Any:
        import catboost

        places = [[self._names.index(n) for n in part] for part in (self.categories, self.texts)]
        return catboost.Pool(table, cat_features=places[0], text_features=places[1])

    @property
    def _names(self) -> list[str]:
        return list(self.of.names) if isinstance(self.of, DataFrameType) else []

    def unwrap(self, value: Any) -> Any:
        import pandas as pd

        if self.categories or self.texts:
            raise UnsupportedType(
                "a Pool does not keep the words of its categories and texts",
                hint="give the table that it was made of",
            )
        columns = list(self.of.columns) if isinstance(self.of, DataFrameType) else None
        return pd.DataFrame(value.get_features(), columns=columns, dtype="float64")

    def fitted(self, value: Any, where: str) -> Any | None:
        import catboost

        if not isinstance(value, catboost.Pool):
            return None
        names = _names_of(value)
        if names != self._names:
            raise refusal(where, f"the features {listed(self._names)}", listed(names))
        return value

    def rows(self, value: Any) -> int | None:
        return value.num_row()

    def head(self, value: Any, count: int) -> Any:
        return value.slice(list(range(min(count, value.num_row()))))


def _names_of(pool: Any) -> list[str]:
    """The features' names; without any, their numbers, as the library itself calls them then."""
    names = pool.get_feature_names()
    return names if any(names) else list(map(str, range(len(names))))


KINDS: Mapping[str, type[DataType]] = {"catboost_pool": PoolType}


def claims(value: Any) -> bool:
    import catboost

    return isinstance(value, catboost.Pool)


def infer(value: Any) -> DataType:
    if value.get_embedding_feature_indices():
        raise UnsupportedType("a Pool with embeddings has no data type", hint="give its table")
    names = _names_of(value)
    parts = (value.get_cat_feature_indices(), value.get_text_feature_indices())
    words = {i for part in parts for i in part}
    columns = {name: Column("str" if i in words else "float64") for i, name in enumerate(names)}
    categories, texts = (tuple(names[i] for i in part) for part in parts)
    return PoolType(DataFrameType(columns), categories, texts)


def from_hint(hint: Any) -> DataType | None:
    """A bare ``catboost.Pool`` says nothing of the features."""
    return None
