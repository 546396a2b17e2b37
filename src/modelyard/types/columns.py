"""The type of one column, or of an array's elements: what a card says beside its name.

Missing values. A float, datetime, duration, period or object column and pandas' own nullable types hold missing values by
nature, so JSON null is always allowed there. Text and categories take null only when the sample had missing values
(``nullable: true``). Plain integers and booleans cannot hold one in numpy and pandas; tables of other libraries may say
``nullable: true`` there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from modelyard.base.errors import InvalidInput, did_you_mean
from modelyard.types.dtypes import DType, parse_dtype

_FIELDS = ("dtype", "nullable", "categories", "ordered", "items", "missing")


@dataclass(frozen=True)
class Column:
    """One column. ``categories`` and ``ordered`` belong to ``category``; the last two to ``object``:
    ``items`` is ``string`` (text only) or ``mixed`` (any JSON scalar), ``missing`` is ``nan`` where the library's
    users write NaN instead of None.
    """

    dtype: str
    nullable: bool = False
    categories: tuple[Any, ...] = ()
    ordered: bool = False
    items: str = ""
    missing: str = ""

    @cached_property
    def parsed(self) -> DType:
        return parse_dtype(self.dtype)

    @property
    def takes_missing(self) -> bool:
        return self.nullable or self.parsed.holds_missing

    def code(self, value: Any) -> int:
        """The position of a category; `KeyError` for a scalar that is none. 1 and True are two categories, 1 and 1.0
        one."""
        return self._codes[type(value) is bool, value]

    @cached_property
    def _codes(self) -> Mapping[tuple[bool, Any], int]:
        # True == 1 to Python: without the first part one would take the other's place.
        return {(type(c) is bool, c): i for i, c in enumerate(self.categories)}

    def to_spelled(self) -> str | dict[str, Any]:
        """The bare dtype, or a mapping where there is more to say.

        >>> Column("category", categories=("a", "b")).to_spelled()
        {'dtype': 'category', 'categories': ['a', 'b']}
        """
        more = self.details()
        return {"dtype": self.dtype, **more} if more else self.dtype

    def details(self) -> dict[str, Any]:
        """What differs from the defaults, without the dtype."""
        more: dict[str, Any] = {}
        if self.nullable:
            more["nullable"] = True
        if self.parsed.family == "category":
            more["categories"] = list(self.categories)
        if self.ordered:
            more["ordered"] = True
        if self.items:
            more["items"] = self.items
        if self.missing:
            more["missing"] = self.missing
        return more

    @classmethod
    def from_spelled(cls, spelled: Any, where: str = "column") -> Self:
        """The inverse of `to_spelled`; raises `InvalidInput`."""
        if isinstance(spelled, str):
            spelled = {"dtype": spelled}
        if not isinstance(spelled, Mapping) or not isinstance(spelled.get("dtype"), str):
            raise InvalidInput(f"{where}: expected a dtype or a mapping with one, got {spelled!r}")
        for key in spelled:
            if key not in _FIELDS:
                raise InvalidInput(
                    f"{where}: unknown field {key!r}",
                    hint=did_you_mean(str(key), _FIELDS) or f"known: {', '.join(_FIELDS)}",
                )
        return cls._checked(spelled, parse_dtype(spelled["dtype"]), where)

    @classmethod
    def _checked(cls, spelled: Mapping[str, Any], parsed: DType, where: str) -> Self:
        categories = spelled.get("categories", ())
        if (parsed.family == "category") != ("categories" in spelled):
            raise InvalidInput(f"{where}: 'categories' and dtype 'category' belong together")
        if not isinstance(categories, (list, tuple)) or not all(map(_is_scalar, categories)):
            raise InvalidInput(f"{where}: 'categories' is a list of texts, numbers or booleans")
        items = spelled.get("items", "mixed" if parsed.family == "object" else "")
        if items not in (("string", "mixed") if parsed.family == "object" else ("",)):
            raise InvalidInput(f"{where}: 'items' of an object column is 'string' or 'mixed'")
        return cls(
            dtype=parsed.name,
            nullable=bool(spelled.get("nullable", False)) and not parsed.holds_missing,
            categories=tuple(categories),
            ordered=bool(spelled.get("ordered", False)),
            items=items,
            missing="nan" if spelled.get("missing") == "nan" else "",
        )

    @property
    def expected(self) -> str:
        """What a cell should be, for people."""
        family = self.parsed.family
        if family == "category":
            return "one of the known categories"
        if family == "object":
            return "a text" if self.items == "string" else "a text, number, boolean or null"
        if family == "datetime":
            return "an ISO 8601 date" if self.parsed.unit == "D" else "an ISO 8601 date and time"
        return _WORDS[family]


_WORDS = {
    "float": "a number",
    "integer": "an integer",
    "boolean": "true or false",
    "string": "a text",
    "bytes": "base64 text",
    "complex": "an object with real and imag",
    "duration": "an ISO 8601 duration",
    "period": "a period as text",
}


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value))
