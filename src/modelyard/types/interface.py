"""The contract of a data type: what a value looks like, how it is checked, and how it crosses JSON.

How to add one: write ``types/<library>.py`` (the file is named like the library's root package, so that the MRO rule
finds it) with

* ``claims(value) -> bool``: whether this file describes the value (the MRO names the library, not the role:
  a ``sklearn.utils.Bunch`` is data, a ufunc is numpy's but no array);
* ``infer(value) -> DataType``;
* ``KINDS``: the kinds it reads back from a card, ``{"array": ArrayType}``; add each kind to ``types.KIND_FILES``;
* ``from_hint(hint) -> DataType | None``: for type hints of this library, where they say enough.

and a case file ``tests/cases/types/<library>.py``. The contract suite (``testing/types.py``) does the rest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self


class DataType(ABC):
    """A description of values. Immutable, comparable, small, and readable in a card.

    ``where`` is the place of a value in what the caller sent (``X[3].age``); errors are `SchemaMismatch` with that
    place in ``details['field']`` and what was expected in ``details['expected']``.
    """

    kind: ClassVar[str]
    """The word after ``type:`` in a card."""

    @property
    def table(self) -> DataType:
        """What stands for it where only a table will do: itself, but for a library's container of one, and an array for
        a tensor. A type with another table has ``unwrap(value)``, which gives it."""
        return self

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """As a card spells it: ``{"type": "array", "dtype": "float64", "shape": [None, 3]}``; defaults left out."""

    @classmethod
    @abstractmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; raises `InvalidInput` for what a card may not say."""

    @abstractmethod
    def json_schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of the JSON form that `decode` takes and `encode` gives."""

    @abstractmethod
    def check(self, value: Any, where: str = "") -> Any:
        """The native value, repaired where that is safe (column order, lossless dtype), else `SchemaMismatch`."""

    @abstractmethod
    def decode(self, data: Any, where: str = "") -> Any:
        """A native value from parsed JSON (as orjson gives it), checked, else `SchemaMismatch`."""

    @abstractmethod
    def encode(self, value: Any) -> Any:
        """JSON-able form of a native value; exact, or `SchemaMismatch`. NaN and infinities never pass as JSON
        numbers: NaN becomes null where the type allows missing values, infinities become strings."""

    def rows(self, value: Any) -> int | None:
        """How many records a native value holds, or None when it is not a batch of records."""
        return None
