"""Lists, tuples, sets, dicts, records, and types that leave a choice.

A list never has a fixed length: a sample of three says nothing of the fourth. In JSON a set is a list, and a dict is an
object when its keys are texts or integers; with other keys (1 and "1" side by side, tuples, floats) it is a list of
``[key, value]`` pairs, so that no two keys fall together. A dataclass or named tuple is an object; read back from a card
alone, where its class is unknown and nothing is imported by name, it becomes a `Record`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from modelyard import types
from modelyard.base.errors import InvalidInput, SchemaMismatch, UnsupportedType, did_you_mean
from modelyard.types.interface import DataType
from modelyard.types.mismatch import inside, listed, mismatch, refusal
from modelyard.types.scalar import (
    AnyType,
    BooleanType,
    IntegerType,
    NullType,
    NumberType,
    StringType,
    only_fields,
)

_ANY, _STRING = AnyType(), StringType()
_FEW = 64
"""Keys of different types up to which a dict is read as named fields."""


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
            return cls(fields=_parse_fields(spelled))
        only_fields(spelled, "keys", "values")
        keys, values = spelled.get("keys", "string"), spelled.get("values", "any")
        return cls(keys=types.parse(keys), values=types.parse(values))

    def json_schema(self) -> dict[str, Any]:
        if self.fields is not None:
            return _object_schema(self.fields)
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
            return _walk_fields(self.fields, value, where, _check)
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
            return _walk_fields(self.fields, data, where, _decode)
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


class Record(dict[str, Any]):
    """A record whose class is not known here: a dict whose fields are attributes as well."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True)
class RecordType(DataType):
    """``{type: record, name: Point, fields: {x: number}}``: a dataclass or named tuple.

    ``cls`` is bound where the type was made from a live value or hint, and is then what `decode` builds.
    """

    kind = "record"
    name: str = ""
    fields: Mapping[str, DataType] = field(default_factory=dict)
    cls: type | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        fields = {k: types.spell(t) for k, t in self.fields.items()}
        return {"type": self.kind, "name": self.name, "fields": fields}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled, "name", "fields")
        return cls(str(spelled.get("name", "")), _parse_fields(spelled))

    def json_schema(self) -> dict[str, Any]:
        return {"title": self.name, **_object_schema(self.fields)}

    def check(self, value: Any, where: str = "") -> Any:
        if self.cls is not None and isinstance(value, self.cls):
            _walk_fields(self.fields, _as_fields(value), where, _check)
            return value
        fields = _as_fields(value)
        if fields is None:
            raise mismatch(where, f"a record {self.name}", value)
        checked = _walk_fields(self.fields, fields, where, _check)
        return value if not isinstance(value, Mapping) else self._build(checked, where)

    def decode(self, data: Any, where: str = "") -> Any:
        if type(data) is not dict:
            raise mismatch(where, "an object", data)
        return self._build(_walk_fields(self.fields, data, where, _decode), where)

    def _build(self, fields: dict[str, Any], where: str) -> Any:
        if self.cls is None:
            return Record(fields)
        try:
            return self.cls(**fields)
        except (TypeError, ValueError) as error:
            raise refusal(where, f"a {self.name}", f"fields it refuses ({error})") from error

    def encode(self, value: Any) -> Any:
        fields = _as_fields(value)
        if fields is None:
            raise mismatch("", f"a record {self.name}", value)
        return _walk_fields(self.fields, fields, "", _encode)


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
        return self._first(value, where, _check)[1]

    def decode(self, data: Any, where: str = "") -> Any:
        return self._first(data, where, _decode)[1]

    def encode(self, value: Any) -> Any:
        member, checked = self._first(value, "", _check)
        return member.encode(checked)

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
        return self._first(value, "", _check)[0].rows(value)


def _check(type_: DataType, value: Any, where: str) -> Any:
    return type_.check(value, where)


def _decode(type_: DataType, data: Any, where: str) -> Any:
    return type_.decode(data, where)


def _encode(type_: DataType, value: Any, where: str) -> Any:
    return type_.encode(value)


def _parse_fields(spelled: Mapping[str, Any]) -> dict[str, DataType]:
    fields = spelled.get("fields")
    if not isinstance(fields, Mapping):
        raise InvalidInput(f"type '{spelled['type']}' needs a mapping under 'fields'")
    return {str(k): types.parse(t) for k, t in fields.items()}


def _object_schema(fields: Mapping[str, DataType]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {k: t.json_schema() for k, t in fields.items()},
        "required": list(fields),
        "additionalProperties": False,
    }


def _walk_fields(
    fields: Mapping[str, DataType], value: Mapping[str, Any], where: str, read: Any
) -> dict[str, Any]:
    for name in value:
        if name not in fields:
            hint = did_you_mean(str(name), fields) or f"known: {listed(fields)}"
            raise refusal(
                inside(where, name), f"only {listed(fields)}", "an unknown field", hint=hint
            )
    for name in fields:
        if name not in value:
            raise refusal(inside(where, name), "a value", "nothing: the field is missing")
    return {name: read(kind, value[name], inside(where, name)) for name, kind in fields.items()}


def _as_fields(value: Any) -> Mapping[str, Any] | None:
    """The fields of a dataclass, named tuple or mapping; None for what has none."""
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return value._asdict()  # type: ignore[attr-defined]  # a named tuple
    return None


KINDS: Mapping[str, type[DataType]] = {
    k.kind: k for k in (ListType, SetType, TupleType, DictType, RecordType, OptionalType, UnionType)
}


def claims(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple, set, frozenset, Mapping)) or _as_fields(value) is not None
    )


def infer(value: Any) -> DataType:
    from modelyard.types.merging import common_type

    if isinstance(value, list):
        return ListType(common_type(value))
    if isinstance(value, (set, frozenset)):
        return SetType(common_type(value))
    if isinstance(value, Mapping):
        return _infer_dict(value)
    fields = _as_fields(value)
    if fields is not None:
        return RecordType(
            type(value).__name__, {k: types.infer(v) for k, v in fields.items()}, type(value)
        )
    return TupleType(tuple(types.infer(v) for v in value))


def _infer_dict(value: Mapping[Any, Any]) -> DictType:
    from modelyard.types.merging import common_type

    keys, values = common_type(value), common_type(value.values())
    if (
        isinstance(keys, StringType)
        and len(value) <= _FEW
        and isinstance(values, (UnionType, OptionalType))
    ):
        return DictType(fields={k: types.infer(v) for k, v in value.items()})
    if isinstance(keys, (AnyType, NullType)) and not value:
        return DictType()
    if isinstance(keys, StringType) and isinstance(values, AnyType) and len(value) <= _FEW:
        return DictType(fields={k: types.infer(v) for k, v in value.items()})
    if not all(isinstance(k, (str, int, float, bytes, tuple, type(None))) for k in value):
        raise UnsupportedType(f"keys of type {keys.kind} have no JSON form")
    return DictType(keys=keys, values=values)
