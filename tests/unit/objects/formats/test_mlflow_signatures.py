"""MLflow's signatures in our types and back: nothing said is lost on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard import types
from modelyard.base.errors import InvalidInput
from modelyard.objects.formats._mlflow.signatures import (
    read_input,
    read_output,
    read_params,
    read_value,
    write_input,
    write_params,
    write_value,
)

NAMES = st.text(min_size=1, max_size=8)
FLAT = st.sampled_from(["boolean", "integer", "long", "float", "double", "string", "datetime"])
DTYPES = st.sampled_from(["float64", "float32", "int64", "int32", "uint8", "bool", "str"])
VALUES = st.recursive(
    st.sampled_from(
        [{"type": t} for t in ("boolean", "long", "double", "string", "binary", "any")]
    ),
    lambda inner: st.one_of(
        st.builds(lambda i: {"type": "array", "items": i}, inner),
        st.builds(lambda i: {"type": "map", "values": i}, inner),
        st.builds(
            lambda fields: {"type": "object", "properties": fields},
            st.dictionaries(
                NAMES,
                st.builds(lambda i, r: {**i, "required": r}, inner, st.booleans()),
                min_size=1,
                max_size=3,
            ),
        ),
    ),
    max_leaves=6,
)


def there_and_back(specs: list[dict[str, Any]], **options: Any) -> Any:
    spelled = read_input(specs, **options)
    kind = types.parse(spelled)
    assert types.parse(kind.to_dict()) == kind
    return write_input(kind.to_dict())


@given(st.dictionaries(NAMES, FLAT, min_size=1, max_size=6))
def test_a_table_comes_back(columns: dict[str, str]) -> None:
    specs = [{"name": n, "type": t, "required": True} for n, t in columns.items()]
    assert there_and_back(specs) == specs


@given(DTYPES, st.lists(st.sampled_from([-1, 1, 3]), max_size=4))
def test_a_tensor_comes_back(dtype: str, shape: list[int]) -> None:
    specs = [{"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}}]
    assert there_and_back(specs) == specs


@given(VALUES)
def test_a_value_comes_back(spec: dict[str, Any]) -> None:
    kind = types.parse(read_value(spec))
    assert write_value(kind.to_dict()) == spec


@given(VALUES)
def test_a_list_of_values_comes_back(spec: dict[str, Any]) -> None:
    specs = [{**spec, "required": True}]
    assert there_and_back(specs, bare=True) == specs


@given(
    st.dictionaries(
        NAMES,
        st.one_of(
            st.tuples(st.just("double"), st.floats(allow_nan=False, allow_infinity=False)),
            st.tuples(st.just("long"), st.integers(-(2**63), 2**63 - 1)),
            st.tuples(st.just("string"), st.text()),
            st.tuples(st.just("boolean"), st.booleans()),
            st.tuples(st.just("string"), st.none()),
        ),
    )
)
def test_params_come_back(params: dict[str, tuple[str, Any]]) -> None:
    specs = [{"name": n, "type": t, "default": d, "shape": None} for n, (t, d) in params.items()]
    found = read_params(specs)
    assert write_params(found) == specs
    for name, spelled in found.items():
        kind = types.parse({k: v for k, v in spelled.items() if k != "default"})
        assert kind.decode(spelled["default"]) == params[name][1]


def test_params_that_are_lists_or_objects() -> None:
    words = {"name": "stop", "type": "string", "default": ["a"], "shape": [-1]}
    about = {
        "name": "about",
        "type": "object",
        "properties": {"n": {"type": "long", "required": True}},
        "default": {"n": 1},
        "shape": None,
    }
    assert write_params(read_params([words, about])) == [words, about]
    old = {"name": "k", "dtype": "integer", "default": 3}
    assert read_params([old]) == {"k": {"type": "integer", "default": 3}}


def test_optional_columns_are_nullable() -> None:
    """Where the type has no missing value of its own."""
    specs = [
        {"name": "city", "type": "string", "required": False},
        {"name": "old", "type": "long", "optional": True},
        {"name": "x", "type": "double", "required": False},
    ]
    kind = types.parse(read_input(specs))
    columns = kind.to_dict()["columns"]
    assert columns["city"] == {"dtype": "str", "nullable": True}
    assert columns["old"]["nullable"] is True
    assert columns["x"] == "float64"
    assert [s["required"] for s in write_input(kind.to_dict()) or ()] == [False, False, True]


def test_columns_without_names() -> None:
    many = [{"type": "double"}, {"type": "string"}]
    assert read_input(many) == {
        "type": "dataframe",
        "columns": {"0": "float64", "1": "str"},
        "names": "integer",
    }
    one = [{"type": "string", "required": True}]
    assert read_input(one, bare=True) == {"type": "list", "items": "string"}
    assert read_output(one) == {"type": "array", "dtype": "str", "shape": [None]}


def test_nested_cells_make_records_of_the_rows() -> None:
    specs = [
        {"name": "parts", "type": "array", "items": {"type": "double"}, "required": True},
        {"name": "photo", "type": "binary", "required": False},
    ]
    kind = types.parse(read_input(specs))
    row = {"parts": [1.0, 2.0], "photo": "aGk="}
    assert kind.decode([row]) == [{"parts": [1.0, 2.0], "photo": b"hi"}]


def test_several_tensors_go_by_name() -> None:
    specs = [
        {"name": n, "type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1, 2]}}
        for n in ("ids", "mask")
    ]
    kind = types.parse(read_input(specs))
    found = kind.decode({"ids": [[1, 2]], "mask": [[0, 1]]})
    assert np.array_equal(found["mask"], [[0, 1]])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (pd.Series([1, 2], dtype="int8"), "integer"),
        (pd.Series([1, 2], dtype="uint32"), "long"),
        (pd.Series([1, None], dtype="Int64"), "double"),
        (pd.Series([True, None], dtype="boolean"), "any"),
        (pd.Series([1.5], dtype="float16"), "float"),
        (pd.Series(["a"], dtype="category"), "string"),
        (pd.Series([1], dtype="category"), "long"),
        (pd.Series([1, "a"], dtype="category"), "any"),
        (pd.Series(pd.to_datetime(["2020-01-01"])), "datetime"),
        (pd.Series(pd.to_datetime(["2020-01-01"])).dt.tz_localize("UTC"), "any"),
        (pd.Series(pd.to_timedelta([1])), "any"),
        (pd.Series(["a", None], dtype="object"), "string"),
    ],
)
def test_each_dtype_has_a_word(values: pd.Series, words: str) -> None:
    spelled = types.infer(values.to_frame("x")).to_dict()
    [spec] = write_input(spelled) or ()
    assert (spec["name"], spec["type"]) == ("x", words)


@pytest.mark.parametrize("value", [1.5, "a", {"a": 1, "b": "x"}, (1, 2), None])
def test_what_is_no_batch_is_no_input(value: Any) -> None:
    assert write_input(types.infer(value).to_dict()) is None


@pytest.mark.parametrize(
    ("specs", "text"),
    [
        ([], "a list of columns"),
        (["x"], "a list of columns"),
        ([{"type": "complex"}], "'complex' that is not known"),
        ([{"type": "tensor"}], "needs 'tensor-spec'"),
        ([{"name": "a", "type": "long"}] * 2, "a column twice"),
        ([{"type": "array", "items": 3}], "not a mapping"),
    ],
)
def test_what_is_no_signature_is_told(specs: Any, text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        read_input(specs)


def test_a_type_nested_without_end_is_told() -> None:
    spec: dict[str, Any] = {"type": "long"}
    for _ in range(60):
        spec = {"type": "array", "items": spec}
    with pytest.raises(InvalidInput, match="too deeply"):
        read_value(spec)
