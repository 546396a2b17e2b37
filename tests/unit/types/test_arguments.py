"""The arguments of one call."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.base.errors import SchemaMismatch
from modelyard.types.arguments import (
    bind_arguments,
    check_arguments,
    decode_arguments,
    encode_arguments,
)
from modelyard.types.spelling import signature_from_dict

SIGNATURE = signature_from_dict(
    {
        "args": {
            "X": {"type": "array", "dtype": "float64", "shape": [None, 2]},
            "threshold": {"type": "number", "default": 0.5},
        }
    }
)
OPEN = signature_from_dict({"args": {"x": "integer"}, "extra": {"type": "number"}})


def test_arguments_through_json() -> None:
    native = decode_arguments(SIGNATURE, {"threshold": 1, "X": [[1, 2.5]]})
    assert native["X"].tolist() == [[1.0, 2.5]]
    assert native["threshold"] == 1.0
    assert encode_arguments(SIGNATURE, native) == {"threshold": 1.0, "X": [[1.0, 2.5]]}


def test_what_is_left_out_stays_left_out() -> None:
    assert list(check_arguments(SIGNATURE, {"X": [[1, 2]]})) == ["X"]


@pytest.mark.parametrize(
    ("data", "message", "field", "hint"),
    [
        ({}, "argument 'X' is missing", "X", "the method takes 'X', 'threshold'"),
        ({"X": [[1, 2]], "treshold": 1}, "unknown argument 'treshold'", "treshold", "did you mean 'threshold'?"),
        ({"X": [[1, 2]], "y": 1}, "unknown argument 'y'", "y", "the method takes 'X', 'threshold'"),
        ({"X": [[1, "2"]]}, "X[0][1]: expected a number, got the string '2'", "X[0][1]", None),
        ({"X": [[1, 2]], "threshold": None}, "threshold: expected a number, got null", "threshold", None),
    ],
)  # fmt: skip
def test_refusals(data: dict[str, Any], message: str, field: str, hint: str | None) -> None:
    with pytest.raises(SchemaMismatch) as caught:
        decode_arguments(SIGNATURE, data)
    assert (caught.value.message, caught.value.details["field"], caught.value.hint) == (
        message,
        field,
        hint,
    )


def test_further_keywords_where_the_method_takes_them() -> None:
    assert decode_arguments(OPEN, {"x": 1, "more": 2}) == {"x": 1, "more": 2.0}
    with pytest.raises(SchemaMismatch, match="more: expected a number, got true"):
        decode_arguments(OPEN, {"x": 1, "more": True})


def test_binding() -> None:
    assert bind_arguments(SIGNATURE, (1,), {"threshold": 2}) == {"X": 1, "threshold": 2}
    with pytest.raises(
        SchemaMismatch, match="3 arguments given, and the method takes 2: 'X', 'threshold'"
    ):
        bind_arguments(SIGNATURE, (1, 2, 3), {})
    with pytest.raises(SchemaMismatch, match="argument 'X' is given twice"):
        bind_arguments(SIGNATURE, (1,), {"X": 2})
