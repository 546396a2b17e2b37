"""Bodies of JSON and bytes: read exactly, or refused; never guessed at."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.base.errors import ModelyardError
from modelyard.serving.tensors.calls import TensorAnswer
from modelyard.serving.tensors.frames import Wanted, read_call, write_answer
from modelyard.serving.tensors.tensor import Tensor

ONE = np.array([1.5, 2.5], dtype="<f4").tobytes()


def binary(name: str = "a", size: Any = 8, **more: Any) -> dict[str, Any]:
    parameters = {"binary_data_size": size}
    return {"name": name, "datatype": "FP32", "shape": [2], "parameters": parameters, **more}


def frame(head: Any, tail: bytes = b"", length: int | None = None) -> tuple[bytes, bytes]:
    spelled = json.dumps(head).encode()
    return spelled + tail, str(len(spelled) if length is None else length).encode()


def read(body: bytes, header: bytes | None = None) -> Any:
    return read_call(body, header, "m", "", 64)


def test_tensors_follow_the_json_in_their_order() -> None:
    plain = {"name": "b", "datatype": "INT8", "shape": [1], "data": [7]}
    other = np.array([3.0, 4.0], dtype="<f4").tobytes()
    body, header = frame({"inputs": [binary("a"), plain, binary("c")]}, ONE + other)
    call, _ = read(body, header)
    assert [(t.name, t.filled().tolist()) for t in call.inputs] == [
        ("a", [1.5, 2.5]),
        ("b", [7]),
        ("c", [3.0, 4.0]),
    ]


def test_a_header_of_0_is_a_body_of_nothing_but_elements() -> None:
    call, wanted = read(ONE, b"0")
    assert call.raw == ONE
    assert wanted.binary("anything")


def test_outputs_say_how_they_want_to_come() -> None:
    outputs = [{"name": "x", "parameters": {"binary_data": False}}, {"name": "y"}]
    head = {"inputs": [], "outputs": outputs, "parameters": {"binary_data_output": True}, "id": "7"}
    call, wanted = read(json.dumps(head).encode())
    assert call.outputs == ["x", "y"]
    assert call.id == "7"
    assert [wanted.binary(name) for name in ("x", "y")] == [False, True]


def test_an_answer_is_json_or_json_and_bytes() -> None:
    tensors = [
        Tensor("x", "FP32", (2,), np.array([1.5, 2.5], dtype="f4")),
        Tensor("y", "BYTES", (1,), ["é"]),
        Tensor("z", "BYTES", (1,), [b"\xff"], {"content_type": "base64"}),
    ]
    answer = TensorAnswer("m", "3", "m@3", tensors)
    body, length = write_answer(answer, "7", Wanted({}, False))
    assert length is None
    told = json.loads(body)
    assert told["id"] == "7"
    assert told["model_version"] == "3"
    assert [output["data"] for output in told["outputs"]] == [[1.5, 2.5], ["é"], ["/w=="]]
    body, length = write_answer(answer, "", Wanted({"y": False}, True))
    assert length is not None
    assert body[length:] == ONE + b"\x01\x00\x00\x00\xff"
    told = json.loads(body[:length])
    assert "id" not in told
    assert [o.get("parameters") for o in told["outputs"]] == [
        {"binary_data_size": 8},
        None,
        {"binary_data_size": 5},
    ]


MALFORMED: dict[str, tuple[bytes, bytes | None]] = {
    "a length that is no number": (b"{}", b"two"),
    "a negative length": (b"{}", b"-1"),
    "a length beyond the body": (b"{}", b"3"),
    "a length beyond all bodies": (b"{}", b"9" * 40),
    "a length inside the json": frame({"inputs": []}, b"", 5),
    "bytes that nobody owns": frame({"inputs": []}, ONE),
    "fewer bytes than told": frame({"inputs": [binary()]}, ONE[:7]),
    "more bytes than the shape": frame({"inputs": [binary(size=12)]}, ONE + b"1234"),
    "fewer bytes than the shape": frame({"inputs": [binary(size=4)]}, ONE[:4]),
    "bytes for one input too few": frame({"inputs": [binary("a"), binary("b")]}, ONE),
    "a size that is a text": frame({"inputs": [binary(size="8")]}, ONE),
    "a size that is true": frame({"inputs": [binary(size=True)]}, ONE),
    "a negative size": frame({"inputs": [binary(size=-8)]}, ONE),
    "a fraction of a size": frame({"inputs": [binary(size=8.0)]}, ONE),
    "data and a size": frame({"inputs": [binary(data=[1.5, 2.5])]}, ONE),
    "a size without the header": (json.dumps({"inputs": [binary()]}).encode() + ONE, None),
    "a size and no bytes": (json.dumps({"inputs": [binary()]}).encode(), None),
    "shared memory": frame({"inputs": [{"name": "a", "datatype": "FP32", "shape": [2], "parameters": {
        "shared_memory_region": "r", "shared_memory_byte_size": 8}}]}),
    "shared memory out": frame({"inputs": [], "outputs": [{"name": "a", "parameters": {"shared_memory_region": "r"}}]}),
    "classification": frame({"inputs": [], "outputs": [{"name": "a", "parameters": {"classification": 2}}]}),
    "an output twice": frame({"inputs": [], "outputs": [{"name": "a"}, {"name": "a"}]}),
    "a flag that is a text": frame({"inputs": [], "parameters": {"binary_data_output": "yes"}}),
    "outputs as names": frame({"inputs": [], "outputs": ["a"]}),
    "inputs by name": frame({"inputs": {"a": [1]}}),
    "an input without a name": frame({"inputs": [{"datatype": "FP32", "shape": [1], "data": [1]}]}),
    "an input without data": frame({"inputs": [{"name": "a", "datatype": "FP32", "shape": [0]}]}),
    "no inputs": frame({}),
    "a list": frame([]),
    "nothing": (b"", None),
    "an id that is a number": frame({"inputs": [], "id": 7}),
    "nan": (b'{"inputs": [{"name": "a", "datatype": "FP32", "shape": [1], "data": [NaN]}]}', None),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_bodies_are_refused(name: str) -> None:
    with pytest.raises(ModelyardError) as caught:
        read(*MALFORMED[name])
    assert caught.value.message


@given(
    st.binary(max_size=60),
    st.none() | st.binary(max_size=4) | st.integers(0, 70).map(lambda n: b"%d" % n),
)
def test_no_body_does_harm(body: bytes, header: bytes | None) -> None:
    try:
        call, _ = read(body, header)
    except ModelyardError:
        return
    assert call.raw is not None or call.inputs == []


@given(st.data())
def test_no_damage_to_a_body_does_harm(data: st.DataObject) -> None:
    body, header = frame({"inputs": [binary("a"), binary("b")]}, ONE + ONE)
    at = data.draw(st.integers(0, len(body) - 1))
    damaged = body[:at] + bytes([data.draw(st.integers(0, 255))]) + body[at + 1 :]
    try:
        call, _ = read(damaged, header)
    except ModelyardError:
        return
    assert all(len(tensor.data) * tensor.data.itemsize == 8 for tensor in call.inputs)
