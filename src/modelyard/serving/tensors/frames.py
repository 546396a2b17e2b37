"""The HTTP bodies in which tensors travel: JSON, or JSON followed by the bytes of tensors (the binary extension). Pure.

The header ``Inference-Header-Content-Length`` says where the JSON ends. Its tensors carry ``binary_data_size`` in place of data, and
their bytes follow in the same order; 0 says that the body is the elements of the only input and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.base.errors import InvalidInput
from modelyard.serving.edge import dump_json, parse_json
from modelyard.serving.tensors.calls import TensorAnswer, TensorCall
from modelyard.serving.tensors.tensor import (
    Tensor,
    from_json,
    from_raw,
    read_datatype,
    read_parameters,
    read_shape,
    to_json,
    to_raw,
)

LENGTH = b"inference-header-content-length"
_SIZE = "binary_data_size"
_NOT_HERE = ("shared_memory_region", "classification")
"""Parameters of extensions that are not spoken here: left out they would change what is answered."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the outputs are to be written: in binary or not, each by its name, and the rest."""

    by_name: Mapping[str, bool]
    others: bool

    def binary(self, name: str) -> bool:
        """Whether an output goes after the JSON."""
        return self.by_name.get(name, self.others)


def read_call(
    body: bytes, header: bytes | None, model: str, version: str, depth: int
) -> tuple[TensorCall, Wanted]:
    """What a body asks of a model. Raises `InvalidInput` with the place for one that cannot be read."""
    length = _header_length(header, len(body))
    if length == 0:
        return TensorCall(model, version, (), raw=body), Wanted({}, True)
    parsed = parse_json(body[:length], depth)
    if type(parsed) is not dict:
        raise InvalidInput("expected an object with inputs", hint='{"inputs": [{"name": …}]}')
    parameters = read_parameters(parsed.get("parameters"), "parameters")
    tail = memoryview(body)[length:] if header is not None else None
    names, flags = _read_outputs(parsed.get("outputs"))
    call = TensorCall(
        model,
        version,
        _read_inputs(parsed.get("inputs"), tail),
        names,
        parameters,
        _read_id(parsed.get("id")),
    )
    return call, Wanted(flags, _flag(parameters, "binary_data_output", "parameters"))


def _header_length(header: bytes | None, size: int) -> int:
    if header is None:
        return size or -1
    text = header.strip()
    if not text.isdigit() or len(text) > 18 or int(text) > size:
        raise InvalidInput(
            f"Inference-Header-Content-Length is {text[:20].decode('latin-1')!r}, of a body of {size} bytes",
            hint="it is the number of bytes of the JSON",
        )
    return int(text)


def _read_id(given: Any) -> str:
    if given is None:
        return ""
    if type(given) is not str:
        raise InvalidInput("id: expected a text", field="id")
    return given


def _read_inputs(given: Any, tail: memoryview | None) -> list[Tensor]:
    if type(given) is not list:
        raise InvalidInput("inputs: expected a list of tensors", field="inputs")
    tensors: list[Tensor] = []
    at = 0
    for i, spelled in enumerate(given):
        tensor, at = _read_tensor(spelled, f"inputs[{i}]", tail, at)
        tensors.append(tensor)
    if tail is not None and at != len(tail):
        raise InvalidInput(f"{len(tail) - at} bytes after the JSON belong to no input")
    return tensors


def _read_tensor(spelled: Any, where: str, tail: memoryview | None, at: int) -> tuple[Tensor, int]:
    if type(spelled) is not dict or type(spelled.get("name")) is not str:
        raise InvalidInput(f"{where}: expected an object with a name", field=where)
    name = spelled["name"]
    datatype = read_datatype(spelled.get("datatype"), name)
    shape = read_shape(spelled.get("shape"), name)
    parameters = read_parameters(spelled.get("parameters"), f"{name}.parameters")
    _refuse_foreign(parameters, name)
    size = parameters.get(_SIZE)
    if size is None:
        if "data" not in spelled:
            raise InvalidInput(f"{name}: expected data", field=name)
        data = from_json(name, datatype, shape, spelled["data"])
    else:
        raw, at = _slice(name, size, tail, at)
        if "data" in spelled:
            raise InvalidInput(f"{name}: has data and {_SIZE}: one of them", field=name)
        data = from_raw(name, datatype, shape, raw)
    return Tensor(name, datatype, shape, data, parameters), at


def _slice(name: str, size: Any, tail: memoryview | None, at: int) -> tuple[memoryview, int]:
    if tail is None:
        raise InvalidInput(
            f"{name}: {_SIZE} needs the header Inference-Header-Content-Length", field=name
        )
    if type(size) is not int or not 0 <= size <= len(tail) - at:
        raise InvalidInput(
            f"{name}: {_SIZE} is {str(size)[:20]}, of {len(tail) - at} bytes that are left",
            field=name,
        )
    return tail[at : at + size], at + size


def _read_outputs(given: Any) -> tuple[list[str], dict[str, bool]]:
    if given is None:
        return [], {}
    if type(given) is not list:
        raise InvalidInput("outputs: expected a list", field="outputs")
    flags: dict[str, bool] = {}
    names: list[str] = []
    for i, spelled in enumerate(given):
        where = f"outputs[{i}]"
        if type(spelled) is not dict or type(spelled.get("name")) is not str:
            raise InvalidInput(f"{where}: expected an object with a name", field=where)
        parameters = read_parameters(spelled.get("parameters"), f"{where}.parameters")
        _refuse_foreign(parameters, where)
        if spelled["name"] in names:
            raise InvalidInput(f"{where}: {spelled['name']!r} is asked for twice", field=where)
        names.append(spelled["name"])
        if "binary_data" in parameters:
            flags[spelled["name"]] = _flag(parameters, "binary_data", where)
    return names, flags


def _refuse_foreign(parameters: Mapping[str, Any], where: str) -> None:
    for key in _NOT_HERE:
        if key in parameters:
            raise InvalidInput(f"{where}: {key} is not supported", field=where)


def _flag(parameters: Mapping[str, Any], key: str, where: str) -> bool:
    given = parameters.get(key, False)
    if type(given) is not bool:
        raise InvalidInput(f"{where}.{key}: expected true or false", field=f"{where}.{key}")
    return given


def write_answer(answer: TensorAnswer, id: str, wanted: Wanted) -> tuple[bytes, int | None]:
    """The body of an answer, and how long its JSON is when tensors follow it."""
    tails: list[bytes] = []
    outputs = [_spelled(tensor, wanted, tails) for tensor in answer.outputs]
    facts = {"model_name": answer.model}
    if answer.version:
        facts["model_version"] = answer.version
    if id:
        facts["id"] = id
    head = dump_json({**facts, "outputs": outputs})
    return (b"".join([head, *tails]), len(head)) if tails else (head, None)


def _spelled(tensor: Tensor, wanted: Wanted, tails: list[bytes]) -> dict[str, Any]:
    spelled: dict[str, Any] = {
        "name": tensor.name,
        "datatype": tensor.datatype,
        "shape": list(tensor.shape),
    }
    parameters: Mapping[str, Any] = tensor.parameters
    if wanted.binary(tensor.name):
        tails.append(to_raw(tensor))
        # As they are: nothing is base64 there.
        parameters = {k: v for k, v in parameters.items() if v != "base64"}
        parameters = {**parameters, _SIZE: len(tails[-1])}
    else:
        spelled["data"] = to_json(tensor)
    return {**spelled, "parameters": parameters} if parameters else spelled
