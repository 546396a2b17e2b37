"""Values of params, tags, metrics and steps as they are recorded: exactly, or refused with words."""

from __future__ import annotations

import operator
from typing import Any

from modelyard.base.errors import InvalidInput

_MOST = 2**63


def text_of(value: Any) -> str:
    """A param's or tag's value as text.

    >>> text_of(0.1), text_of(None), text_of("a")
    ('0.1', 'None', 'a')
    """
    return value if type(value) is str else str(value)


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
        f"metric {key!r} is a {type(value).__name__}, not one number",
        hint="texts go into params and tags, tables into log_table",
    )


def step_of(step: Any) -> int:
    """A step: a whole number of 64 bits. `InvalidInput`."""
    try:
        number = operator.index(step)
    except TypeError:
        raise InvalidInput(f"step is {step!r}, not a whole number") from None
    if not -_MOST <= number < _MOST:
        raise InvalidInput(f"step {number} does not fit into 64 bits")
    return number
