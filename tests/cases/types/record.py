"""Dataclasses and named tuples. Read from a card alone they are `Record`s, which are equal by fields."""

from __future__ import annotations

from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, NamedTuple

from modelyard.testing.types import Refused, TypeCase


@dataclass
class Person:
    name: str
    age: int


class Point(NamedTuple):
    x: float
    y: float


def fields(value: Any) -> dict[str, Any]:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value._asdict() if hasattr(value, "_asdict") else dict(value)


def equal(a: Any, b: Any) -> bool:
    return fields(a) == fields(b)


CASES = [
    TypeCase(
        "dataclass",
        lambda: Person("ana", 30),
        {"type": "record", "name": "Person", "fields": {"name": "string", "age": "integer"}},
        {"name": "ana", "age": 30},
        native=(lambda: {"age": 30, "name": "ana"},),
        refused=(
            Refused(
                {"name": "ana"},
                "X.age: expected a value, got nothing: the field is missing",
                "X.age",
            ),
            Refused(
                {"name": "ana", "age": "30"},
                "X.age: expected an integer, got the string '30'",
                "X.age",
            ),
            Refused(["ana", 30], "X: expected an object, got a list of 2"),
        ),
        not_native=(Refused("ana", "X: expected a record Person, got the string 'ana'"),),
        equal=equal,
    ),
    TypeCase(
        "named tuple",
        lambda: Point(1.0, 2.5),
        {"type": "record", "name": "Point", "fields": {"x": "number", "y": "number"}},
        {"x": 1.0, "y": 2.5},
        equal=equal,
    ),
]
