"""Types that leave a choice: a value or null, one of several types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from modelyard import types
from modelyard.base.errors import InvalidInput, SchemaMismatch
from modelyard.types.fields import check_part, decode_part
from modelyard.types.interface import DataType
from modelyard.types.mismatch import mismatch, refusal, shortened
from modelyard.types.scalar import AnyType, only_fields

_ANY = AnyType()


@dataclass(frozen=True)
class OptionalType(DataType):
    """``{type: optional, of: integer}``: null, or a value."""

    kind = "optional"
    of: DataType = _ANY

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.kind, "of": types.spell(self.of)}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled, "of")
        return cls(types.parse(spelled.get("of", "any")))

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [self.of.json_schema(), {"type": "null"}]}

    def check(self, value: Any, where: str = "") -> Any:
        return None if value is None else self.of.check(value, where)

    def decode(self, data: Any, where: str = "") -> Any:
        return None if data is None else self.of.decode(data, where)

    def encode(self, value: Any) -> Any:
        return None if value is None else self.of.encode(value)

    def rows(self, value: Any) -> int | None:
        return None if value is None else self.of.rows(value)


@dataclass(frozen=True)
class UnionType(DataType):
    """``{type: union, of: [integer, string]}``: the first type that takes a value without changing it, else the first
    that takes it."""

    kind = "union"
    of: tuple[DataType, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.kind, "of": [types.spell(t) for t in self.of]}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled, "of")
        of = spelled.get("of")
        if not isinstance(of, (list, tuple)) or not of:
            raise InvalidInput("type 'union' needs a list of types under 'of'")
        return cls(tuple(types.parse(t) for t in of))

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [t.json_schema() for t in self.of]}

    def check(self, value: Any, where: str = "") -> Any:
        return self._first(value, where, check_part)[1]

    def decode(self, data: Any, where: str = "") -> Any:
        return self._first(data, where, decode_part)[1]

    def encode(self, value: Any) -> Any:
        """As its member would; but where another member would read that as its own (the text "NaN" and the number,
        a date and a text), no reader could tell them apart."""
        member, checked = self._first(value, "", check_part)
        encoded = member.encode(checked)
        if self._first(encoded, "", decode_part)[0] != member:
            kinds = " or ".join(t.kind for t in self.of)
            raise refusal("", f"{kinds}, told apart in JSON", shortened(value))
        return encoded

    def _first(self, value: Any, where: str, read: Any) -> tuple[DataType, Any]:
        taken: list[tuple[DataType, Any]] = []
        for member in self.of:
            try:
                found = read(member, value, where)
            except SchemaMismatch:
                continue
            if type(found) is type(value):
                return member, found
            taken.append((member, found))
        if taken:
            return taken[0]
        raise mismatch(where, " or ".join(t.kind for t in self.of), value)

    def rows(self, value: Any) -> int | None:
        return self._first(value, "", check_part)[0].rows(value)


KINDS: Mapping[str, type[DataType]] = {"optional": OptionalType, "union": UnionType}
