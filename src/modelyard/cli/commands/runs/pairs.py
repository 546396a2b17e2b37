"""Options of the form ``KEY=VALUE``."""

from __future__ import annotations

from collections.abc import Sequence

from modelyard.base.errors import InvalidInput


def pairs(words: Sequence[str], option: str) -> dict[str, str]:
    """What some ``KEY=VALUE`` say; `InvalidInput` for one that has no ``=`` or comes twice."""
    found: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise InvalidInput(f"{option} {word!r} is not KEY=VALUE")
        if key in found:
            raise InvalidInput(f"{option} {key} is given twice")
        found[key] = value
    return found


def numbers(words: Sequence[str], option: str) -> dict[str, float]:
    """The same, of numbers."""
    try:
        return {key: float(value) for key, value in pairs(words, option).items()}
    except ValueError as error:
        raise InvalidInput(f"{option}: {error}") from None
