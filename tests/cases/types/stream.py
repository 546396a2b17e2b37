"""Answers that come piece by piece. A look at one uses it up, so that by itself it is a stream of anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.testing.types import Refused, TypeCase
from modelyard.types.stream import whole


class Again(Iterator[Any]):
    """An iterator that begins anew whenever it is asked to: the contract looks at a value more than once."""

    def __iter__(self) -> Iterator[Any]:
        return iter(["a", 1])

    def __next__(self) -> Any:
        raise StopIteration


CASES = [
    TypeCase(
        "stream",
        Again,
        {"type": "stream", "items": "any"},
        ["a", 1],
        native=(lambda: ["a", 1], lambda: (x for x in ("a", 1))),
        refused=(
            Refused("a", "X: expected a list, got the string 'a'"),
            Refused({"0": 1}, "X: expected a list, got an object with '0'"),
        ),
        not_native=(Refused(1, "X: expected a list, got the number 1"),),
        equal=lambda a, b: whole(a) == whole(b),
    ),
]
