"""Containers in which a library holds a table: ``{type: dmatrix, of: {type: dataframe, columns: …}}``.

In JSON, in files and wherever only tables will do, the table stands for the container. It is what a model takes; labels,
weights and groups, which only training needs, are no part of it, and so it is no way to keep data.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from modelyard import types
from modelyard.base.errors import InvalidInput
from modelyard.types.interface import DataType
from modelyard.types.scalar import only_fields

_TABLES = ("dataframe", "array", "sparse", "polars_dataframe", "arrow_table")


@dataclass(frozen=True)
class WrappedType(DataType):
    """A container over a table of the type ``of``."""

    of: DataType

    @abstractmethod
    def wrap(self, table: Any) -> Any:
        """The container of a table that has been checked."""

    @abstractmethod
    def unwrap(self, value: Any) -> Any:
        """The table in a container; `UnsupportedType` when it cannot be had."""

    @abstractmethod
    def fitted(self, value: Any, where: str) -> Any | None:
        """The container as it is, where it fits; None for what is no such container; else `SchemaMismatch`."""

    @property
    def libraries(self) -> Sequence[str]:
        """Import names of what making the table takes."""
        return ("pandas",) if self.of.kind == "dataframe" else ("numpy",)

    @property
    def table(self) -> DataType:
        return self.of

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.kind, "of": types.spell(self.of)}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled, "of")
        return cls(cls.read_table(spelled))

    @classmethod
    def read_table(cls, spelled: Mapping[str, Any]) -> DataType:
        """The table's type on a card; `InvalidInput` for one that is no table's."""
        inner = spelled.get("of")
        table = types.parse(inner) if isinstance(inner, Mapping) else None
        if table is None or table.kind not in _TABLES:
            raise InvalidInput(f"type '{cls.kind}' needs the type of a table under 'of'")
        return table

    def json_schema(self) -> dict[str, Any]:
        return self.of.json_schema()

    def check(self, value: Any, where: str = "") -> Any:
        found = self.fitted(value, where)
        return self.wrap(self.of.check(value, where)) if found is None else found

    def decode(self, data: Any, where: str = "") -> Any:
        return self.wrap(self.of.decode(data, where))

    def encode(self, value: Any) -> Any:
        return self.of.encode(self.unwrap(self.check(value)))

    def head(self, value: Any, count: int) -> Any:
        """The first rows, for a sample; what cannot be cut stays whole."""
        return value
