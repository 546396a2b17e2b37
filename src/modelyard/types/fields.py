"""Named fields, as dicts and records have them: read from a card, walked over a value, shown as JSON Schema."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any

from modelyard import types
from modelyard.base.errors import InvalidInput, did_you_mean
from modelyard.types.interface import DataType
from modelyard.types.mismatch import inside, listed, refusal

NONE: Mapping[str, Any] = {}
Read = Callable[[DataType, Any, str], Any]
"""What is done with each part: check, decode or encode it, given its place."""


def check_part(type_: DataType, value: Any, where: str) -> Any:
    """`DataType.check` as a `Read`."""
    return type_.check(value, where)


def decode_part(type_: DataType, data: Any, where: str) -> Any:
    """`DataType.decode` as a `Read`."""
    return type_.decode(data, where)


def encode_part(type_: DataType, value: Any, where: str) -> Any:
    """`DataType.encode` as a `Read`."""
    return type_.encode(value)


def infer_fields(values: Mapping[str, Any]) -> dict[str, DataType]:
    """The types of named values. A None in the sample says nothing of what else may come: any."""
    return {k: types.parse("any") if v is None else types.infer(v) for k, v in values.items()}


def parse_fields(spelled: Mapping[str, Any]) -> dict[str, DataType]:
    """The fields of a spelled type, or `InvalidInput`."""
    fields = spelled.get("fields")
    if not isinstance(fields, Mapping):
        raise InvalidInput(f"type '{spelled['type']}' needs a mapping under 'fields'")
    return {str(k): types.parse(t) for k, t in fields.items()}


def object_schema(
    fields: Mapping[str, DataType], defaults: Mapping[str, Any] = NONE
) -> dict[str, Any]:
    """JSON Schema of an object with these fields and no others; those with a default may be left out."""
    shown = {k: {"default": value} for k, value in defaults.items()}
    return {
        "type": "object",
        "properties": {k: {**t.json_schema(), **shown.get(k, {})} for k, t in fields.items()},
        "required": [k for k in fields if k not in defaults],
        "additionalProperties": False,
    }


def walk_fields(
    fields: Mapping[str, DataType],
    value: Mapping[str, Any],
    where: str,
    read: Read,
    defaults: Container[str] = (),
) -> dict[str, Any]:
    """Each field's value read by its type, in the order of the fields; an unknown one is refused, and so is one that
    is missing and has no default."""
    for name in value:
        if name not in fields:
            hint = did_you_mean(str(name), fields) or f"known: {listed(fields)}"
            raise refusal(inside(where, name), "no such field", "one that is unknown", hint=hint)
    for name in fields:
        if name not in value and name not in defaults:
            raise refusal(inside(where, name), "a value", "nothing: the field is missing")
    return {
        name: read(kind, value[name], inside(where, name))
        for name, kind in fields.items()
        if name in value
    }
