"""How a value that does not fit is told: where it is, what was expected, what came instead."""

from __future__ import annotations

from typing import Any

from modelyard.base.errors import SchemaMismatch

_LONGEST = 40
"""Characters of a value that an error may repeat."""


def mismatch(where: str, expected: str, got: Any, *, hint: str | None = None) -> SchemaMismatch:
    """The error for a value; ``got`` is the value itself.

    >>> print(mismatch("X[3].age", "a number", "12"))
    X[3].age: expected a number, got the string '12'
    """
    return refusal(where, expected, named(got), hint=hint)


def refusal(where: str, expected: str, got: str, *, hint: str | None = None) -> SchemaMismatch:
    """The same with ``got`` in words of one's own.

    >>> print(refusal("X", "4 columns", "3"))
    X: expected 4 columns, got 3
    """
    return SchemaMismatch(
        f"{where or 'value'}: expected {expected}, got {got}",
        hint=hint,
        field=where,
        expected=expected,
    )


def named(value: Any) -> str:
    """A value in a few words, never longer than a line.

    >>> named([1, 2]), named(None), named(True), named("x")
    ('a list of 2', 'null', 'true', "the string 'x'")
    """
    if value is None:
        return "null"
    if value is True or value is False:
        return str(value).lower()
    if isinstance(value, str):
        return f"the string {shortened(value)}"
    if isinstance(value, (int, float)):
        return f"the number {shortened(value)}"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, dict):
        return f"an object with {listed(value)}" if value else "an empty object"
    return f"a {type(value).__module__}.{type(value).__qualname__}".replace("builtins.", "")


def shortened(value: Any) -> str:
    """The repr of a value, cut where it gets long."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def listed(names: Any, most: int = 8) -> str:
    """Names in quotes, the first few of many.

    >>> listed(["a", "b"])
    "'a', 'b'"
    """
    shown = [shortened(n) for n in list(names)[:most]]
    left = len(names) - len(shown)
    return ", ".join(shown) + (f" and {left} more" if left else "")


def inside(where: str, name: Any) -> str:
    """The place of a named part: ``X`` and ``age`` give ``X.age``."""
    return f"{where}.{name}" if where else str(name)
