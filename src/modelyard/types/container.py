"""Lists, tuples, sets and dicts.

A list never has a fixed length: a sample of three says nothing of the fourth. In JSON a set is a list, and a dict is an
object when its keys are texts or integers; with other keys (1 and "1" side by side, tuples, floats) it is a list of
``[key, value]`` pairs, so that no two keys fall together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from modelyard import types
from modelyard.base.errors import InvalidInput
from modelyard.types.fields import (
    check_part,
    decode_part,
    object_schema,
    parse_fields,
    walk_fields,
)
from modelyard.types.interface import DataType
from modelyard.types.mismatch import inside, mismatch, refusal
from modelyard.types.scalar import (
    AnyType,
    BooleanType,
    IntegerType,
    NumberType,
    StringType,
    only_fields,
)

_ANY, _STRING = AnyType(), StringType()


@dataclass(frozen=True)
class ListType(DataType):
    """``{type: list, items: number}``: any number of items of one type."""

    kind = "list"
    items: DataType = _ANY

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.kind, "items": types.spell(self.items)}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled, "items")
        return cls(types.parse(spelled.get("items", "any")))

    def json_schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.items.json_schema()}

    def check(self, value: Any, where: str = "") -> Any:
        return self._make(self._each(self._listed(value, where), where, self.items.check))

    def decode(self, data: Any, where: str = "") -> Any:
        if type(data) is not list:
            raise mismatch(where, "a list", data)
        return self._make(self._each(data, where, self.items.decode))

    def encode(self, value: Any) -> Any:
        if isinstance(self.items, (BooleanType, AnyType)) or not (fast := self._as_is(value)):
            return [self.items.encode(v) for v in self._listed(value, "")]
        return fast

    def _as_is(self, value: Any) -> list[Any] | None:
        """The list itself where its items need no change: most answers are plain numbers."""
        if (
            type(value) is list
            and isinstance(self.items, NumberType)
            and set(map(type, value)) == {float}
        ):
            total = sum(value)
            return value if total - total == 0 else None
        return None

    def _listed(self, value: Any, where: str) -> list[Any]:
        if isinstance(value, (list, tuple)):
            return list(value)
        if type(value).__module__ == "numpy" and getattr(value, "ndim", 0) == 1:
            return value.tolist()
        raise mismatch(where, "a list", value)

    def _make(self, items: list[Any]) -> Any:
        return items

    @staticmethod
    def _each(items: Iterable[Any], where: str, read: Any) -> list[Any]:
        return [read(item, f"{where}[{i}]") for i, item in enumerate(items)]

    def rows(self, value: Any) -> int | None:
        return len(value)


class SetType(ListType):
    """A set or frozenset; in JSON a list, in the order of the texts of its items so that it is stable."""

    kind = "set"

    def json_schema(self) -> dict[str, Any]:
        return {**super().json_schema(), "uniqueItems": True}

    def encode(self, value: Any) -> Any:
        return sorted(super().encode(value), key=repr)

    def decode(self, data: Any, where: str = "") -> Any:
        found = super().decode(data, where)
        if len(found) != len(data):
            raise refusal(where, "different items", "the same one twice")
        return found

    def _as_is(self, value: Any) -> None:
        return None

    def _listed(self, value: Any, where: str) -> list[Any]:
        if not isinstance(value, (set, frozenset)):
            raise mismatch(where, "a set", value)
        return list(value)

    def _make(self, items: list[Any]) -> Any:
        return set(items)

    def rows(self, value: Any) -> int | None:
        return None


@dataclass(frozen=True)
class TupleType(DataType):
    """``{type: tuple, items: [integer, string]}``: as many items as types."""

    kind = "tuple"
    items: tuple[DataType, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.kind, "items": [types.spell(t) for t in self.items]}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled, "items")
        items = spelled.get("items", [])
        if not isinstance(items, (list, tuple)):
            raise InvalidInput("type 'tuple' needs a list of types under 'items'")
        return cls(tuple(types.parse(t) for t in items))

    def json_schema(self) -> dict[str, Any]:
        length = len(self.items)
        schema: dict[str, Any] = {"type": "array", "minItems": length, "maxItems": length}
        if self.items:
            schema["prefixItems"] = [t.json_schema() for t in self.items]
        return schema

    def check(self, value: Any, where: str = "") -> Any:
        pairs = enumerate(self._pairs(value, (tuple, list), where))
        return tuple(t.check(v, f"{where}[{i}]") for i, (t, v) in pairs)

    def decode(self, data: Any, where: str = "") -> Any:
        pairs = enumerate(self._pairs(data, (list,), where))
        return tuple(t.decode(v, f"{where}[{i}]") for i, (t, v) in pairs)

    def encode(self, value: Any) -> Any:
        return [t.encode(v) for t, v in self._pairs(value, (tuple, list), "")]

    def _pairs(
        self, value: Any, classes: tuple[type, ...], where: str
    ) -> list[tuple[DataType, Any]]:
        expected = f"a list of {len(self.items)}"
        if not isinstance(value, classes) or len(value) != len(self.items):
            raise mismatch(where, expected, value)
        return list(zip(self.items, value, strict=True))


@dataclass(frozen=True)
class DictType(DataType):
    """``{type: dict, fields: {age: integer}}``, or ``{type: dict, keys: string, values: number}`` for any keys."""

    kind = "dict"
    fields: Mapping[str, DataType] | None = None
    keys: DataType = _STRING
    values: DataType = _ANY

    def to_dict(self) -> dict[str, Any]:
        if self.fields is not None:
            return {
                "type": self.kind,
                "fields": {k: types.spell(t) for k, t in self.fields.items()},
            }
        return {
            "type": self.kind,
            "keys": types.spell(self.keys),
            "values": types.spell(self.values),
        }

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        if "fields" in spelled:
            only_fields(spelled, "fields")
            return cls(fields=parse_fields(spelled))
        only_fields(spelled, "keys", "values")
        keys, values = spelled.get("keys", "string"), spelled.get("values", "any")
        return cls(keys=types.parse(keys), values=types.parse(values))

    def json_schema(self) -> dict[str, Any]:
        if self.fields is not None:
            return object_schema(self.fields)
        if self._is_object:
            schema = {"type": "object", "additionalProperties": self.values.json_schema()}
            if isinstance(self.keys, IntegerType):
                schema["propertyNames"] = {"pattern": "^-?[0-9]+$"}
            return schema
        return {"type": "array", "items": TupleType((self.keys, self.values)).json_schema()}

    @property
    def _is_object(self) -> bool:
        return isinstance(self.keys, (StringType, IntegerType))

    def check(self, value: Any, where: str = "") -> Any:
        if not isinstance(value, Mapping):
            raise mismatch(where, "a dict", value)
        if self.fields is not None:
            return walk_fields(self.fields, value, where, check_part)
        return {
            self.keys.check(k, inside(where, k)): self.values.check(v, inside(where, k))
            for k, v in value.items()
        }

    def decode(self, data: Any, where: str = "") -> Any:
        if not self._is_object and self.fields is None:
            return self._decode_pairs(data, where)
        if type(data) is not dict:
            raise mismatch(where, "an object", data)
        if self.fields is not None:
            return walk_fields(self.fields, data, where, decode_part)
        return {
            self._read_key(k, where): self.values.decode(v, inside(where, k))
            for k, v in data.items()
        }

    def _read_key(self, key: str, where: str) -> Any:
        if isinstance(self.keys, StringType):
            return self.keys.decode(key, where)
        digits = key.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal() and str(int(key)) == key):
            raise mismatch(inside(where, key), "an integer as key", key)
        return int(key)

    def _decode_pairs(self, data: Any, where: str) -> dict[Any, Any]:
        pairs = ListType(TupleType((self.keys, self.values))).decode(data, where)
        found = dict(pairs)
        if len(found) != len(pairs):
            raise refusal(where, "different keys", "the same key twice")
        return found

    def encode(self, value: Any) -> Any:
        value = self.check(value)
        if self.fields is not None:
            return {k: t.encode(value[k]) for k, t in self.fields.items()}
        if self._is_object:
            return {str(self.keys.encode(k)): self.values.encode(v) for k, v in value.items()}
        return [[self.keys.encode(k), self.values.encode(v)] for k, v in value.items()]


KINDS: Mapping[str, type[DataType]] = {k.kind: k for k in (ListType, SetType, TupleType, DictType)}


def claims(value: Any) -> bool:
    return isinstance(value, (list, tuple, set, frozenset, Mapping))


def infer(value: Any) -> DataType:
    from modelyard.types.merging import common_type

    return common_type([value])
