"""Values of every data type cross as tensors, over the cases of the types' own contract."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest

from contracts.test_types import CASES
from modelyard import types
from modelyard.base.errors import SchemaMismatch
from modelyard.serving.interface import Json
from modelyard.serving.tensors.ports import ROWS_AS_JSON, Form, TableForm, form_of
from modelyard.serving.tensors.tensor import Tensor, from_json, from_raw, to_json, to_raw
from modelyard.testing.types import TypeCase
from modelyard.types.binary import binary
from modelyard.types.interface import DataType


def over_json(tensor: Tensor) -> Tensor:
    """A tensor as it arrives that was sent as JSON."""
    data = orjson.loads(orjson.dumps(to_json(tensor)))
    read = from_json(tensor.name, tensor.datatype, tensor.shape, data)
    return Tensor(tensor.name, tensor.datatype, tensor.shape, read, tensor.parameters)


def over_bytes(tensor: Tensor) -> Tensor:
    """The same sent as bytes."""
    read = from_raw(tensor.name, tensor.datatype, tensor.shape, to_raw(tensor))
    return Tensor(tensor.name, tensor.datatype, tensor.shape, read)


def value_of(type_: DataType, form: Form, tensors: list[Tensor]) -> Any:
    """What a model is called with."""
    read = form.read({t.name: t for t in tensors})
    if binary(type_) is not None and not isinstance(read, Json):
        return read  # a temporary file lives as long as this
    return type_.decode(read.value, "X") if isinstance(read, Json) else type_.check(read, "X")


TEXTS_ONLY = ("mixed objects", "every dtype")
"""Cases with a column of numbers among texts: in a tensor they are texts."""


def holds_null(value: Any) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    return any(map(holds_null, value)) if isinstance(value, list) else value is None


def assert_same(case: TypeCase, type_: DataType, value: Any) -> None:
    content = binary(type_)
    if content is not None and value is not None:  # a file's name does not cross
        assert content.to_bytes(value) == content.to_bytes(case.value())
        return
    spelled = type_.encode(value)
    if case.name in TEXTS_ONLY:
        assert loosely(spelled) == loosely(case.encoded)
    else:
        assert case.equal(value, case.value()) or spelled == case.encoded


def loosely(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: loosely(v) for k, v in value.items()}
    if isinstance(value, list):
        return [loosely(v) for v in value]
    return value if value is None or isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("case", CASES)
def test_a_value_of_any_type_comes_back_from_json(case: TypeCase) -> None:
    type_ = types.parse(case.spelled)
    form = form_of("X", type_)
    tensors = form.write(case.encoded)
    assert [t.name for t in tensors] == [port.name for port in form.ports]
    assert_same(case, type_, value_of(type_, form, [over_json(t) for t in tensors]))


@pytest.mark.parametrize("case", CASES)
def test_and_from_bytes_unless_something_is_missing(case: TypeCase) -> None:
    type_ = types.parse(case.spelled)
    form = form_of("X", type_)
    tensors = form.write(case.encoded)
    if holds_null(case.encoded):  # which JSON alone can say of texts and whole numbers
        return
    assert_same(case, type_, value_of(type_, form, [over_bytes(t) for t in tensors]))


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "float16", "float32", "bool"])
def test_arrays_of_numbers_never_become_lists(dtype: str) -> None:
    array = np.array([[0, 1], [1, 0]], dtype=dtype)
    form = form_of("X", types.infer(array))
    written = form.write_native(array)
    assert written is not None
    [tensor] = written
    read = form.read({"X": over_bytes(tensor)})
    assert type(read) is np.ndarray
    assert read.dtype == array.dtype
    assert read.tolist() == array.tolist()
    assert read.flags.writeable, "a model may write into what it is given"


def frame_form(columns: dict[str, Any]) -> tuple[DataType, Form]:
    type_ = types.infer(pd.DataFrame(columns))
    return type_, form_of("X", type_)


def numbers(name: str, values: list[float], shape: tuple[int, ...] | None = None) -> Tensor:
    return Tensor(name, "FP64", (len(values),) if shape is None else shape, np.array(values))


def test_many_rows_of_numbers_stay_an_array() -> None:
    type_, form = frame_form({"a": [1.0], "b": [2.0]})
    rows = ROWS_AS_JSON + 1
    sent = {"a": numbers("a", [1.0] * rows), "b": numbers("b", [2.0] * rows, (rows, 1))}
    read = form.read(sent)
    assert type(read) is np.ndarray
    assert type_.check(read).to_dict("list") == {"a": [1.0] * rows, "b": [2.0] * rows}


def test_a_table_may_be_one_tensor() -> None:
    type_, form = frame_form({"a": [1.0], "b": [2.0]})
    read = form.read({"X": numbers("X", [1.0, 2.0, 3.0, 4.0], (2, 2))})
    assert type_.check(read).to_dict("list") == {"a": [1.0, 3.0], "b": [2.0, 4.0]}
    text = Tensor("X", "BYTES", (1,), [b'[{"b": 2, "a": 1}]'])
    read = form.read({"X": text})
    assert type_.decode(read.value).to_dict("list") == {"a": [1.0], "b": [2.0]}


def test_a_column_named_like_another_input_is_told_apart() -> None:
    type_ = types.infer(pd.DataFrame({"by": [1.0], "a": [2.0]}))
    form = form_of("X", type_, frozenset(["by"]))
    assert isinstance(form, TableForm)
    assert [port.name for port in form.ports] == ["X.by", "a"]


MISFITS = {
    "texts for numbers": (Tensor("a", "BYTES", (1,), ["x"]), "a: expected FP64, got BYTES"),
    "booleans for numbers": (Tensor("a", "BOOL", (1,), np.array([True])), "a: expected FP64, got BOOL"),
    "two dimensions": (numbers("a", [1.0, 2.0], (1, 2)), "a: expected the shape [n] or [n, 1], got [1, 2]"),
    "no dimension": (numbers("a", [1.0], ()), "a: expected the shape [n] or [n, 1], got []"),
    "too many rows": (numbers("a", [1.0, 2.0]), "b: expected 2 rows, as in 'a', got 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISFITS)
def test_columns_that_do_not_fit_are_named(name: str) -> None:
    tensor, message = MISFITS[name]
    _, form = frame_form({"a": [1.0], "b": [2.0]})
    with pytest.raises(SchemaMismatch) as caught:
        form.read({"a": tensor, "b": numbers("b", [1.0])})
    assert caught.value.message == message


def test_text_that_is_none_is_refused_with_its_place() -> None:
    _, form = frame_form({"a": ["x"]})
    with pytest.raises(SchemaMismatch) as caught:
        form.read({"a": Tensor("a", "BYTES", (2,), [b"good", b"\xff"])})
    assert caught.value.details["field"] == "a[1]"
