"""Dataclasses, named tuples and pydantic models: ``{type: record, name: Point, fields: {x: number}}``.

In JSON an object. ``defaults`` are the fields that may be left out, with the JSON form of what they are then. Read back
from a card alone, where its class is unknown and nothing is imported by name, a value becomes a `Record`; a loaded function
whose hints name the class gets objects of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from modelyard import types
from modelyard.base.errors import InvalidInput, ModelyardError
from modelyard.types.fields import (
    check_part,
    decode_part,
    encode_part,
    object_schema,
    parse_fields,
    walk_fields,
)
from modelyard.types.interface import DataType
from modelyard.types.mismatch import mismatch, refusal
from modelyard.types.scalar import AnyType, only_fields


class Record(dict[str, Any]):
    """A record whose class is not known here: a dict whose fields are attributes as well."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True)
class RecordType(DataType):
    """``{type: record, name: Point, fields: {x: number}, defaults: {x: 0.0}}``.

    ``cls`` is bound where the type was made from a live value or hint, and is then what `decode` builds.
    """

    kind = "record"
    name: str = ""
    fields: Mapping[str, DataType] = field(default_factory=dict)
    cls: type | None = field(default=None, compare=False, repr=False)
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        fields = {k: types.spell(t) for k, t in self.fields.items()}
        defaults = {"defaults": dict(self.defaults)} if self.defaults else {}
        return {"type": self.kind, "name": self.name, "fields": fields, **defaults}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled, "name", "fields", "defaults")
        fields, defaults = parse_fields(spelled), spelled.get("defaults", {})
        if not isinstance(defaults, Mapping) or not defaults.keys() <= fields.keys():
            raise InvalidInput("'defaults' of type 'record' is a mapping of some of its fields")
        return cls(str(spelled.get("name", "")), fields, defaults=dict(defaults))

    def json_schema(self) -> dict[str, Any]:
        return {"title": self.name, **object_schema(self.fields, self.defaults)}

    def check(self, value: Any, where: str = "") -> Any:
        if self.cls is not None and isinstance(value, self.cls):
            walk_fields(self.fields, as_fields(value) or {}, where, check_part)
            return value
        fields = as_fields(value)
        if fields is None:
            raise mismatch(where, f"a record {self.name}", value)
        checked = walk_fields(self.fields, fields, where, check_part, self.defaults)
        return value if not isinstance(value, Mapping) else self.build(checked, where)

    def decode(self, data: Any, where: str = "") -> Any:
        if type(data) is not dict:
            raise mismatch(where, "an object", data)
        return self.build(walk_fields(self.fields, data, where, decode_part, self.defaults), where)

    def build(self, fields: dict[str, Any], where: str) -> Any:
        """The record of checked fields: of its class where that is known. Those left out get their defaults."""
        if self.cls is None:
            left = {k: v for k, v in self.defaults.items() if k not in fields}
            return Record(
                (k, fields[k] if k in fields else self.fields[k].decode(left[k], where))
                for k in self.fields
            )
        try:
            return self.cls(**fields)
        except (TypeError, ValueError) as error:
            raise refusal(
                where, f"a {self.name}", f"fields it refuses ({_reason(error)})"
            ) from error

    def encode(self, value: Any) -> Any:
        fields = as_fields(value)
        if fields is None:
            raise mismatch("", f"a record {self.name}", value)
        return walk_fields(self.fields, fields, "", encode_part)


def _reason(error: Exception) -> str:
    """What a constructor says; of pydantic's list of faults the first."""
    faults = getattr(error, "errors", None)
    if not callable(faults):
        return str(error)
    first = faults()[0]  # type: ignore[index]  # pydantic's: at least one
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")


def as_fields(value: Any) -> Mapping[str, Any] | None:
    """The fields of a dataclass, named tuple, pydantic model or mapping; None for what has none."""
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return value._asdict()  # type: ignore[attr-defined]  # a named tuple
    if hasattr(type(value), "__pydantic_fields__"):
        from modelyard.types.pydantic import fields_of

        return {name: getattr(value, own) for name, own in fields_of(type(value)).items()}
    return None


def defaults_of(fields: Mapping[str, DataType], values: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON form of defaults; one that has none (a sentinel object) does not count as a default."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name not in fields:
            continue
        try:
            found[name] = fields[name].encode(value)
        except (ModelyardError, TypeError):
            continue
    return found


def of_class(cls: type, fields: Mapping[str, DataType]) -> RecordType:
    """The type of a dataclass or named tuple with these fields."""
    values: dict[str, Any] = dict(getattr(cls, "_field_defaults", {}))
    for f in dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ():
        factory: Any = f.default_factory
        if f.default is not dataclasses.MISSING:
            values[f.name] = f.default
        elif factory in EMPTY:
            values[f.name] = factory()
    return RecordType(cls.__name__, fields, cls, defaults_of(fields, values))


EMPTY: tuple[Any, ...] = (list, dict, set, tuple, frozenset)
"""Factories whose result is always the same, and so can stand in a card."""

KINDS: Mapping[str, type[DataType]] = {"record": RecordType}


def claims(value: Any) -> bool:
    return not isinstance(value, Mapping) and as_fields(value) is not None


def infer(value: Any) -> DataType:
    return with_values(types.from_hint(type(value)), value)


def with_values(hinted: Any, value: Any) -> DataType:
    """What a class says of its fields, and where it says nothing, or says what is not so, what one object has."""
    from modelyard.types.signatures import reconcile

    found = {
        name: AnyType() if item is None and isinstance(hinted.fields[name], AnyType)
        else reconcile(hinted.fields[name], item)
        for name, item in (as_fields(value) or {}).items()
    }  # fmt: skip
    defaults = {k: v for k, v in hinted.defaults.items() if found[k] == hinted.fields[k]}
    return dataclasses.replace(hinted, fields=found, defaults=defaults)
