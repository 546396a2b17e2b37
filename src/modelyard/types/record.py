"""Dataclasses and named tuples: ``{type: record, name: Point, fields: {x: number}}``.

In JSON an object. Read back from a card alone, where its class is unknown and nothing is imported by name, it becomes a
`Record`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from modelyard import types
from modelyard.types.fields import (
    check_part,
    decode_part,
    encode_part,
    infer_fields,
    object_schema,
    parse_fields,
    walk_fields,
)
from modelyard.types.interface import DataType
from modelyard.types.mismatch import mismatch, refusal
from modelyard.types.scalar import only_fields


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
        return cls(str(spelled.get("name", "")), parse_fields(spelled))

    def json_schema(self) -> dict[str, Any]:
        return {"title": self.name, **object_schema(self.fields)}

    def check(self, value: Any, where: str = "") -> Any:
        if self.cls is not None and isinstance(value, self.cls):
            walk_fields(self.fields, as_fields(value) or {}, where, check_part)
            return value
        fields = as_fields(value)
        if fields is None:
            raise mismatch(where, f"a record {self.name}", value)
        checked = walk_fields(self.fields, fields, where, check_part)
        return value if not isinstance(value, Mapping) else self._build(checked, where)

    def decode(self, data: Any, where: str = "") -> Any:
        if type(data) is not dict:
            raise mismatch(where, "an object", data)
        return self._build(walk_fields(self.fields, data, where, decode_part), where)

    def _build(self, fields: dict[str, Any], where: str) -> Any:
        if self.cls is None:
            return Record(fields)
        try:
            return self.cls(**fields)
        except (TypeError, ValueError) as error:
            raise refusal(where, f"a {self.name}", f"fields it refuses ({error})") from error

    def encode(self, value: Any) -> Any:
        fields = as_fields(value)
        if fields is None:
            raise mismatch("", f"a record {self.name}", value)
        return walk_fields(self.fields, fields, "", encode_part)


def as_fields(value: Any) -> Mapping[str, Any] | None:
    """The fields of a dataclass, named tuple or mapping; None for what has none."""
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return value._asdict()  # type: ignore[attr-defined]  # a named tuple
    return None


KINDS: Mapping[str, type[DataType]] = {"record": RecordType}


def claims(value: Any) -> bool:
    return not isinstance(value, Mapping) and as_fields(value) is not None


def infer(value: Any) -> DataType:
    return RecordType(type(value).__name__, infer_fields(as_fields(value) or {}), type(value))
