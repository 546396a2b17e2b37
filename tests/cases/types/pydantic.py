"""pydantic models; read from a card alone they are `Record`s, which are equal by fields."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from modelyard.testing.types import Refused, TypeCase


class Flat(BaseModel):
    rooms: int = Field(gt=0)
    area: float
    tags: list[str] = []
    floor: int | None = None
    street: str = Field("", alias="Street")


class House(BaseModel):
    flats: list[Flat]
    lift: bool = False


def fields(value: Any) -> Any:
    return value.model_dump(by_alias=True) if isinstance(value, BaseModel) else value


def equal(a: Any, b: Any) -> bool:
    return fields(a) == fields(b)


FLAT = {
    "type": "record",
    "name": "Flat",
    "fields": {
        "rooms": "integer",
        "area": "number",
        "tags": {"type": "list", "items": "string"},
        "floor": {"type": "optional", "of": "integer"},
        "Street": "string",
    },
    "defaults": {"tags": [], "floor": None, "Street": ""},
}

CASES = [
    TypeCase(
        "pydantic model",
        lambda: Flat(rooms=2, area=50, Street="Ring"),
        FLAT,
        {"rooms": 2, "area": 50.0, "tags": [], "floor": None, "Street": "Ring"},
        also=({"rooms": 2, "area": 50, "Street": "Ring"},),
        native=(lambda: {"rooms": 2, "area": 50, "Street": "Ring"},),
        refused=(
            Refused(
                {"rooms": 2},
                "X.area: expected a value, got nothing: the field is missing",
                "X.area",
            ),
            Refused(
                {"rooms": 2, "area": 1, "street": "Ring"},
                "X.street: expected no such field, got one that is unknown",
                "X.street",
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "nested models",
        lambda: House(flats=[Flat(rooms=1, area=20.5)]),
        {
            "type": "record",
            "name": "House",
            "fields": {"flats": {"type": "list", "items": FLAT}, "lift": "boolean"},
            "defaults": {"lift": False},
        },
        {
            "flats": [{"rooms": 1, "area": 20.5, "tags": [], "floor": None, "Street": ""}],
            "lift": False,
        },
        equal=equal,
    ),
]
