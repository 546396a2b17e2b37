"""Settings of serving as they come from a command line or a project: tables of plain values, checked by name and kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from modelyard.base.errors import InvalidSetting, did_you_mean
from modelyard.serving.interface import Batching, Jobs, Limits

_Options = TypeVar("_Options", Limits, Batching, Jobs)


def options_of(kind: type[_Options], given: _Options | Mapping[str, Any] | None) -> _Options:
    """The settings that are meant; `InvalidSetting` names what is not known, or of another kind."""
    if isinstance(given, kind):
        return given
    known = [field.name for field in dataclasses.fields(kind)]
    wrong = sorted(set(given or {}) - set(known))
    if wrong:
        hint = did_you_mean(wrong[0], known) or f"known: {', '.join(known)}"
        raise InvalidSetting(f"{kind.__name__.lower()} has no setting {wrong[0]!r}", hint=hint)
    for field in dataclasses.fields(kind):
        value: Any = (given or {}).get(field.name, field.default)
        kinds = str if isinstance(field.default, str) else int | float
        if isinstance(field.default, bool) != isinstance(value, bool) or not isinstance(
            value, kinds
        ):
            raise InvalidSetting(
                f"{kind.__name__.lower()}.{field.name} is {value!r}", hint=f"as in {field.default}"
            )
    return kind(**(given or {}))
