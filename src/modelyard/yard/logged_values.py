"""Values of params, tags, metrics and steps as they are recorded: exactly, or refused with words."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

from modelyard.base.errors import InvalidInput
from modelyard.tracking.checks import check_texts

_MOST = 2**63


def text_of(value: Any) -> str:
    """A param's or tag's value as text.

    >>> text_of(0.1), text_of(None), text_of("a")
    ('0.1', 'None', 'a')
    """
    return value if type(value) is str else str(value)


def mapping_of(values: Any, kind: str) -> Mapping[str, Any]:
    """Several params, tags or metrics: a dict. `InvalidInput`."""
    if not isinstance(values, Mapping):
        raise InvalidInput(
            f"{kind}s are a {type(values).__name__}, not a dict",
            hint=f"{{key: value}} of each {kind}",
        )
    return values


def texts_of(values: Any, kind: str) -> dict[str, str]:
    """Params or tags as texts, each checked."""
    texts = {key: text_of(value) for key, value in mapping_of(values, kind).items()}
    check_texts(texts, kind)
    return texts


def number_of(key: str, value: Any) -> float:
    """A metric's value: a number, or an array or tensor with one in it. `InvalidInput`.

    >>> number_of("loss", 1), number_of("loss", True)
    (1.0, 1.0)
    """
    if isinstance(value, str | bytes) or value is None:
        raise _no_number(key, value)
    try:
        if getattr(value, "ndim", 0) and hasattr(value, "item"):
            value = value.item()  # an array of one; more of them are refused by the library itself
        return float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise _no_number(key, value) from None


def _no_number(key: str, value: Any) -> InvalidInput:
    return InvalidInput(
        f"metric {key!r} is {value!r:.40} ({type(value).__name__}), not one number",
        hint="texts go into params and tags, tables into log_table",
    )


def step_of(step: Any) -> int:
    """A step: a whole number of 64 bits. `InvalidInput`."""
    return _whole("step", step)


def time_of(timestamp: Any) -> int:
    """A time of a metric, in milliseconds since 1970. `InvalidInput`."""
    return _whole("timestamp", timestamp, hint="milliseconds since 1970: int(time.time() * 1000)")


def _whole(what: str, value: Any, hint: str | None = None) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise InvalidInput(f"{what} is {value!r:.80}, not a whole number", hint=hint) from None
    if not -_MOST <= number < _MOST:
        raise InvalidInput(f"{what} {number} does not fit into 64 bits")
    return number
