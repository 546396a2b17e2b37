"""Annotations as types."""

from __future__ import annotations

import collections.abc as abc
import datetime as dt
import decimal
import enum
import typing
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NewType, TypedDict, TypeVar

import numpy as np
import pandas as pd
import pytest

from modelyard import types

T = TypeVar("T")
Bound = TypeVar("Bound", bound=int)
UserId = NewType("UserId", int)


class Row(TypedDict):
    age: int
    name: str


class Colour(enum.Enum):
    RED = "red"


class Own:
    pass


@dataclass
class Request:
    limit: ClassVar[int] = 3
    age: int
    key: str = field(init=False)


@pytest.mark.parametrize(
    ("hint", "spelled"),
    [
        (int, "integer"),
        (float, "number"),
        (str, "string"),
        (bool, "boolean"),
        (bytes, "bytes"),
        (complex, "complex"),
        (None, "null"),
        (type(None), "null"),
        (dt.datetime, "datetime"),
        (dt.date, "date"),
        (dt.timedelta, "timedelta"),
        (decimal.Decimal, "decimal"),
        (UserId, "integer"),
        (Bound, "integer"),
        (list, {"type": "list", "items": "any"}),
        (list[int], {"type": "list", "items": "integer"}),
        (typing.List[int], {"type": "list", "items": "integer"}),  # noqa: UP006
        (abc.Sequence[float], {"type": "list", "items": "number"}),
        (abc.Iterable[str], {"type": "list", "items": "string"}),
        (tuple[int, str], {"type": "tuple", "items": ["integer", "string"]}),
        (tuple[int, ...], {"type": "list", "items": "integer"}),
        (set[str], {"type": "set", "items": "string"}),
        (frozenset[str], {"type": "set", "items": "string"}),
        (dict, {"type": "dict", "keys": "string", "values": "any"}),
        (dict[int, float], {"type": "dict", "keys": "integer", "values": "number"}),
        (abc.Mapping[str, list[int]], {"type": "dict", "keys": "string", "values": {"type": "list", "items": "integer"}}),
        (int | None, {"type": "optional", "of": "integer"}),
        (typing.Optional[str], {"type": "optional", "of": "string"}),  # noqa: UP045
        (int | str, {"type": "union", "of": ["integer", "string"]}),
        (int | str | None, {"type": "optional", "of": {"type": "union", "of": ["integer", "string"]}}),
        (Literal["a", 1, True], {"type": "choice", "of": ["a", 1, True]}),
        (Literal["a", None], {"type": "optional", "of": {"type": "choice", "of": ["a"]}}),
        (Row, {"type": "dict", "fields": {"age": "integer", "name": "string"}}),
        (Request, {"type": "record", "name": "Request", "fields": {"age": "integer"}}),
        (np.float32, {"type": "scalar", "dtype": "float32"}),
        (np.int64, {"type": "scalar", "dtype": "int64"}),
    ],
)  # fmt: skip
def test_hints_that_say_something(hint: Any, spelled: Any) -> None:
    found = types.from_hint(hint)
    assert found is not None
    assert found == types.parse(spelled)


@pytest.mark.parametrize(
    "hint",
    [Any, T, Own, Colour, object, pd.DataFrame, np.ndarray, int | Own, "int", abc.Callable, list[int] | pd.Series, type],
)  # fmt: skip
def test_hints_that_say_too_little(hint: Any) -> None:
    assert types.from_hint(hint) is None


def test_a_choice_takes_its_own_and_nothing_else() -> None:
    kind = types.from_hint(Literal["mean", 1])
    assert kind is not None
    assert kind.decode("mean") == "mean"
    for wrong in ("median", True, 1.0, None, ["mean"]):
        with pytest.raises(ValueError, match="expected one of 'mean', 1"):
            kind.decode(wrong, "how")
