"""Tensors cross JSON and bytes unharmed, and nothing that lies about itself is taken."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from modelyard.base.errors import InvalidInput, NotSupported, SchemaMismatch
from modelyard.serving.tensors.tensor import (
    DATATYPES,
    Tensor,
    from_base64,
    from_json,
    from_raw,
    read_datatype,
    read_parameters,
    read_shape,
    to_json,
    to_raw,
)

NUMERIC = [name for name in DATATYPES if name != "BYTES"]
SHAPES = npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


@st.composite
def tensors(draw: st.DrawFn, datatypes: list[str] = NUMERIC) -> Tensor:
    datatype = draw(st.sampled_from(datatypes))
    array = draw(npst.arrays(DATATYPES[datatype], SHAPES))
    return Tensor("t", datatype, array.shape, array.ravel())


@given(tensors())
def test_numbers_come_back_from_bytes_to_the_bit(tensor: Tensor) -> None:
    back = from_raw("t", tensor.datatype, tensor.shape, to_raw(tensor))
    assert back.dtype == tensor.data.dtype
    assert back.tobytes() == tensor.data.tobytes()


@given(tensors(), st.booleans())
def test_numbers_come_back_from_json_flat_or_nested(tensor: Tensor, nested: bool) -> None:
    flat = orjson.loads(orjson.dumps(to_json(tensor)))
    sent = Tensor("t", tensor.datatype, tensor.shape, flat)
    data = sent.nested() if nested and tensor.shape else flat
    read = from_json("t", tensor.datatype, tensor.shape, data)
    back = Tensor("t", tensor.datatype, tensor.shape, read).filled()
    assert back.dtype == tensor.data.dtype
    assert np.array_equal(back, tensor.data, equal_nan=tensor.datatype.startswith("FP"))
    signs = ~np.isnan(tensor.data) if tensor.datatype.startswith("FP") else slice(None)
    assert np.array_equal(np.signbit(back[signs] * 1.0), np.signbit(tensor.data[signs] * 1.0))


@given(st.lists(st.binary(max_size=9)))
def test_bytes_come_back_from_bytes(elements: list[bytes]) -> None:
    tensor = Tensor("t", "BYTES", (len(elements),), elements)
    assert from_raw("t", "BYTES", tensor.shape, to_raw(tensor)) == elements


@given(st.lists(st.none() | st.text(max_size=9)))
def test_texts_come_back_from_json(elements: list[Any]) -> None:
    data = orjson.loads(orjson.dumps(to_json(Tensor("t", "BYTES", (len(elements),), elements))))
    assert from_json("t", "BYTES", (len(elements),), data) == elements


@given(
    st.sampled_from(list(DATATYPES)),
    st.lists(st.integers(0, 9), max_size=3),
    st.binary(max_size=99),
)
def test_any_bytes_are_read_or_refused(datatype: str, shape: list[int], raw: bytes) -> None:
    try:
        data = from_raw("t", datatype, tuple(shape), raw)
    except SchemaMismatch:
        pass
    else:
        assert len(data) == math.prod(shape)
        assert to_raw(Tensor("t", datatype, tuple(shape), data)) == raw


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=8,
)  # fmt: skip


@given(st.sampled_from(list(DATATYPES)), st.lists(st.integers(0, 3), max_size=3), JSON)
def test_any_json_is_read_or_refused(datatype: str, shape: list[int], data: Any) -> None:
    try:
        read = from_json("t", datatype, tuple(shape), data)
    except SchemaMismatch:
        pass
    else:
        assert len(read) == math.prod(shape)


@pytest.mark.parametrize(
    "shape",
    [[-1], [2**63], [2**62, 4], [2**40, 2**40], [1.0], [True], ["2"], [None], [1] * 33, "2", None, {}],
    ids=str,
)  # fmt: skip
def test_shapes_that_cannot_be_are_refused(shape: Any) -> None:
    with pytest.raises(SchemaMismatch) as caught:
        read_shape(shape, "t")
    assert caught.value.details["field"].startswith("t.shape")


def test_a_shape_is_never_believed() -> None:
    """Terabytes are promised, eight bytes come: what is counted is what came."""
    shape = read_shape([2**30, 2**10], "t")
    for datatype in DATATYPES:
        with pytest.raises(SchemaMismatch):
            from_raw("t", datatype, shape, b"12345678")
        with pytest.raises(SchemaMismatch):
            from_json("t", datatype, shape, [])


LYING = {
    "longer than there is": struct.pack("<I", 5) + b"1234",
    "as long as can be": struct.pack("<I", 2**32 - 1) + b"1234",
    "no length": b"123",
    "a length too many": struct.pack("<I", 1) + b"a" + struct.pack("<I", 1),
}


@pytest.mark.parametrize("name", LYING)
def test_elements_that_lie_about_their_length_are_refused(name: str) -> None:
    with pytest.raises(SchemaMismatch):
        from_raw("t", "BYTES", (1,), LYING[name])


@pytest.mark.parametrize(
    ("datatype", "data", "place"),
    [
        ("INT8", [1, 128], "t[1]"),
        ("UINT8", [-1], "t[0]"),
        ("UINT64", [2**64], "t[0]"),
        ("INT64", [1, 1.0], "t[1]"),
        ("INT32", [True], "t[0]"),
        ("BOOL", [1], "t[0]"),
        ("FP64", ["1"], "t[0]"),
        ("FP64", [False], "t[0]"),
        ("FP32", [0.5, 1e39], "t[1]"),
        ("FP16", [65520.0], "t[0]"),
        ("BYTES", ["a", 1], "t[1]"),
        ("FP64", [[1.0, 2.0]], "t[0]"),
        ("FP64", [1.0, [2.0]], "t[1]"),
        ("FP64", 1.0, "t.data"),
    ],
)
def test_elements_of_another_kind_are_refused_with_their_place(
    datatype: str, data: Any, place: str
) -> None:
    count = len(data) if isinstance(data, list) else 1
    with pytest.raises(SchemaMismatch) as caught:
        from_json("t", datatype, (count,), data)
    assert caught.value.details["field"] == place


def test_what_json_has_no_numbers_for_is_spelled() -> None:
    data = np.array([np.nan, np.inf, -np.inf, 1.5])
    spelled = to_json(Tensor("t", "FP64", (4,), data))
    assert spelled == [None, "Infinity", "-Infinity", 1.5]
    back = Tensor("t", "FP64", (4,), from_json("t", "FP64", (4,), spelled))
    assert np.array_equal(back.filled(), data, equal_nan=True)


def test_missing_floats_are_not_mistaken_for_nan_where_both_are_there() -> None:
    read = from_json("t", "FP32", (3,), [None, "NaN", 0.5])
    tensor = Tensor("t", "FP32", (3,), read)
    assert to_json(tensor) == [None, "NaN", 0.5]
    assert to_raw(tensor) == np.array([np.nan, np.nan, 0.5], dtype="<f4").tobytes()


def test_missing_whole_numbers_have_no_bytes() -> None:
    tensor = Tensor("t", "INT64", (2,), from_json("t", "INT64", (2,), [1, None]))
    assert to_json(tensor) == [1, None]
    with pytest.raises(NotSupported):
        to_raw(tensor)


def test_booleans_are_0_or_1() -> None:
    with pytest.raises(SchemaMismatch):
        from_raw("t", "BOOL", (2,), b"\x01\x02")


def test_base64_is_read_only_where_it_is_base64() -> None:
    assert from_base64(Tensor("t", "BYTES", (1,), ["aGk="])).data == [b"hi"]
    assert from_base64(Tensor("t", "BYTES", (1,), [b"aGk="])).data == [b"hi"]
    for data in (["aGk"], ["a*=="], [b"\xff"]):
        with pytest.raises(SchemaMismatch):
            from_base64(Tensor("t", "BYTES", (1,), data))
    with pytest.raises(SchemaMismatch):
        from_base64(Tensor("t", "INT8", (1,), np.array([1])))


@pytest.mark.parametrize("given_", ["FP63", "fp32", "BF16", "", None, 1, ["FP32"]], ids=str)
def test_unknown_datatypes_are_refused(given_: Any) -> None:
    with pytest.raises(SchemaMismatch):
        read_datatype(given_, "t")


@pytest.mark.parametrize("given_", [[], "x", {"a": []}, {"a": {}}], ids=str)
def test_parameters_are_plain(given_: Any) -> None:
    with pytest.raises(InvalidInput):
        read_parameters(given_, "parameters")
