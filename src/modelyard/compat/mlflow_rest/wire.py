"""Requests as MLflow's clients send them, and values as they expect them back.

A GET has its fields in the query, where lists are repeated keys; everything else in a JSON object. What is no JSON counts as
an object without fields, so that the error says which field is missing; a JSON text that holds JSON is read once more.
64-bit integers come as numbers or texts, NaN and the infinities as texts, enums by name or number, and some names in two
spellings. Unknown fields are passed over.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from modelyard.compat.mlflow_rest.errors import INVALID, Refusal

INT64 = 2**63
_SEE = " See the API docs for more information about request parameters."
_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def missing(name: str) -> Refusal:
    """A field that has to be there."""
    return Refusal(f"Missing value for required parameter '{name}'.{_SEE}")


def invalid(name: str, value: Any, why: str = "") -> Refusal:
    """A field with a value that cannot be meant."""
    shown = json.dumps(value, default=str)[:200]
    why = why or f" Hint: Value was of type '{type(value).__name__}'."
    return Refusal(f"Invalid value {shown} for parameter '{name}' supplied: {why}{_SEE}")


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its fields, read by the name and kind of each."""

    fields: Mapping[str, Any]
    """Of a query, each value is the list of what was given."""
    query: bool = False
    place: Mapping[str, str] = field(default_factory=dict[str, str])
    """What stands in the path."""

    def has(self, name: str) -> bool:
        """Whether the field was given at all."""
        return self.fields.get(name) is not None

    def _one(self, name: str) -> Any:
        value = self.fields.get(name)
        return value[0] if self.query and value else value

    def text(self, name: str, *, needed: bool = False, default: str = "") -> str:
        """A text; an empty one counts as absent."""
        value = self._one(name)
        if value is None or value == "":
            if needed:
                raise missing(name)
            return default
        if not isinstance(value, str):
            raise invalid(name, value)
        return value

    def optional(self, name: str) -> str | None:
        """A text that may be empty; None when it is absent."""
        return self.text(name) if self.has(name) else None

    def run_id(self) -> str:
        """The run, by the new or the old name of the field."""
        return self.text("run_id" if self.has("run_id") else "run_uuid") or self.text(
            "run_id", needed=True
        )

    def integer(
        self, name: str, default: int = 0, *, low: int = -INT64, high: int = INT64 - 1
    ) -> int:
        """A 64-bit integer within bounds."""
        value = self._one(name)
        if value is None or value == "":
            return default
        found = integer_of(name, value)
        if not low <= found <= high:
            raise invalid(name, value, f" It must be between {low} and {high}.")
        return found

    def flag(self, name: str) -> bool:
        """True or false, as a text in a query."""
        value = self._one(name)
        if self.query and isinstance(value, str):
            if value.lower() not in ("true", "false"):
                raise Refusal(f"Invalid boolean value: {value}, must be 'true' or 'false'.")
            return value.lower() == "true"
        if value not in (None, True, False):
            raise invalid(name, value)
        return bool(value)

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        value = self.fields.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(
            isinstance(i, str) for i in cast(list[Any], value)
        ):
            raise invalid(name, value)
        return cast(list[str], value)

    def items(self, name: str) -> list[dict[str, Any]]:
        """A list of objects."""
        value = self.fields.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(
            isinstance(i, dict) for i in cast(list[Any], value)
        ):
            raise invalid(name, value)
        return cast(list[dict[str, Any]], value)

    def pairs(self, name: str) -> dict[str, str]:
        """A list of ``{"key": …, "value": …}``; of a key given twice the last."""
        return pairs_of(name, self.items(name))

    def word(self, name: str, words: Sequence[str], default: str = "") -> str:
        """One word of an enum, given by name, or by its number, which counts from 1."""
        value = self._one(name)
        if value is None or value == "":
            return default
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= len(words):
            return words[value - 1]
        if value not in words:
            raise invalid(name, value, f" It must be one of {', '.join(words)}.")
        return str(value)


def pairs_of(name: str, items: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Keys and values of such a list."""
    found: dict[str, str] = {}
    for at, item in enumerate(items):
        key, value = item.get("key"), item.get("value", "")
        if key is None or key == "":
            raise missing(f"{name}[{at}].key")
        if not isinstance(key, str):
            raise invalid(f"{name}[{at}].key", key)
        if not isinstance(value, str):
            if value is not None:
                raise invalid(f"{name}[{at}].value", value)
            value = ""
        found[key] = value
    return found


def integer_of(name: str, value: Any) -> int:
    """A 64-bit integer, as a number or as a text."""
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            raise invalid(name, value) from None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -INT64 <= value < INT64:
        raise invalid(name, value)
    return value


def float_of(name: str, value: Any) -> float:
    """A double, as a number or as a text."""
    if isinstance(value, str):
        if value in _FLOATS:
            return _FLOATS[value]
        try:
            value = float(value)
        except ValueError:
            raise invalid(name, value) from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid(name, value)
    try:
        return float(value)
    except OverflowError:
        raise invalid(name, value) from None


def spelled(value: float) -> float | str:
    """A double as JSON has it; what JSON has no number for as a text."""
    if value - value == 0:  # finite, and the quickest way to know
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def body_of(data: bytes) -> dict[str, Any]:
    """The fields of a body; none when it is no JSON object."""
    found = _parsed(data)
    if isinstance(found, str):
        found = _parsed(found.encode("utf-8", "surrogatepass"))
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def _parsed(data: bytes) -> Any:
    import orjson

    try:
        return orjson.loads(data)
    except ValueError:
        pass
    try:  # bare NaN and Infinity, which Python writes and orjson refuses
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def encoded(value: Any) -> bytes:
    """JSON of an answer."""
    import orjson

    return orjson.dumps(value)


def given(**fields: Any) -> dict[str, Any]:
    """An object without the fields that are unset: None, empty texts, lists and objects are not sent."""
    return {k: v for k, v in fields.items() if v is not None and v != "" and v != [] and v != {}}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags or params as a list of pairs."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def content_type_refused(content_type: str | None) -> Refusal | None:
    """Bodies are JSON and say so."""
    if content_type is None:
        return Refusal("Bad Request. Content-Type header is missing.", INVALID)
    if content_type.partition(";")[0].strip().lower() != "application/json":
        return Refusal("Bad Request. Content-Type must be one of ['application/json'].", INVALID)
    return None
