"""Attributes as JSON and back: the same values of the same types, or a refusal that names the attribute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from modelyard.base.errors import Corrupted, UnsupportedType
from modelyard.objects.plain_values import dump_attributes, load_attributes


class Wrapper:
    pass


class Other:
    pass


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        2**70,
        -0.0,
        1e-300,
        "ü",
        [1, 2.5, None, ["a"]],
        (1, 2.5),
        {"a": 1, "b": 0.5},
        {0: "x", 1: "y"},
        {"$type": "dict"},
        np.float64(0.1),
        [np.float64(0.1), np.float64(2)],
        np.int64(7),
        float("inf"),
    ],
    ids=repr,
)
def test_values_come_back_as_they_were(value: Any) -> None:
    data = dump_attributes({"a": value}, Wrapper, [Other, Wrapper])
    made, found = load_attributes(data, "wrapper.json", [Other, Wrapper])
    assert type(made) is Wrapper
    assert repr(found) == repr({"a": value})


def test_arrays_and_missing_values_come_back() -> None:
    values = {
        "words": np.array(["a", "b"]),
        "numbers": np.array([1, 2], np.int8),
        "no": float("nan"),
    }
    _, found = load_attributes(dump_attributes(values, Wrapper, [Wrapper]), "w", [Wrapper])
    for name in ("words", "numbers"):
        assert np.array_equal(found[name], values[name])
        assert found[name].dtype == values[name].dtype
    assert np.isnan(found["no"])


def test_what_is_not_plain_is_named() -> None:
    with pytest.raises(UnsupportedType) as caught:
        dump_attributes({"a": 1, "objective": len}, Wrapper, [Wrapper])
    assert caught.value.message == "its 'objective' is a builtin_function_or_method, no plain value"
    assert caught.value.details["types"] == ["objective (builtin_function_or_method)"]
    with pytest.raises(UnsupportedType, match=r"Wrapper is none of the library's own classes"):
        dump_attributes({}, Wrapper, [Other])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"class": "Wrapper"', "wrapper.json cannot be read"),
        (b"[1]", "wrapper.json cannot be read"),
        (b'{"class": "os.system"}', "wrapper.json names the class 'os.system'"),
        (b"{}", "wrapper.json names the class 'None'"),
        (b'{"class": "Wrapper", "a": {"$type": "nothing", "$value": 1}}', "unknown type 'nothing'"),
        (b'{"class": "Wrapper", "a": {"$type": "integer"}}', "wrapper.json cannot be read"),
        (b"[" * 100_000, "wrapper.json cannot be read"),
    ],
)
def test_other_files_are_refused(data: bytes, said: str) -> None:
    with pytest.raises(Corrupted) as caught:
        load_attributes(data, "wrapper.json", [Wrapper])
    assert said in caught.value.message
