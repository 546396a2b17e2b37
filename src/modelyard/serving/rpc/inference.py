"""The messages of the Open Inference Protocol and its extension for repositories, and tensors as they lie in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.base.errors import InvalidInput, SchemaMismatch
from modelyard.serving.rpc.packages import Package, Rpc
from modelyard.serving.tensors.calls import TensorAnswer, TensorCall
from modelyard.serving.tensors.tensor import (
    BYTES,
    Tensor,
    check_count,
    from_elements,
    from_raw,
    read_datatype,
    read_shape,
    to_raw,
)

_PARAMETERS = "parameters:map<InferParameter>=4"

INFERENCE = Package(
    "inference",
    "GRPCInferenceService",
    [
        *(
            Rpc(name, f"{name}Request", f"{name}Response")
            for name in (
                *("ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata"),
                *("ModelInfer", "RepositoryIndex", "RepositoryModelLoad", "RepositoryModelUnload"),
            )
        ),
        Rpc("ModelStreamInfer", "ModelInferRequest", "ModelStreamInferResponse", True, True),
    ],
    {
        "ServerLiveRequest": "",
        "ServerLiveResponse": "live:bool=1",
        "ServerReadyRequest": "",
        "ServerReadyResponse": "ready:bool=1",
        "ModelReadyRequest": "name:string=1 version:string=2",
        "ModelReadyResponse": "ready:bool=1",
        "ServerMetadataRequest": "",
        "ServerMetadataResponse": "name:string=1 version:string=2 extensions:string*=3",
        "ModelMetadataRequest": "name:string=1 version:string=2",
        "ModelMetadataResponse": "name:string=1 versions:string*=2 platform:string=3"
        " inputs:ModelMetadataResponse.TensorMetadata*=4 outputs:ModelMetadataResponse.TensorMetadata*=5",
        "ModelMetadataResponse.TensorMetadata": "name:string=1 datatype:string=2 shape:int64*=3",
        "InferParameter": "bool_param|parameter_choice:bool=1 int64_param|parameter_choice:int64=2"
        " string_param|parameter_choice:string=3 double_param|parameter_choice:double=4"
        " uint64_param|parameter_choice:uint64=5",
        "InferTensorContents": "bool_contents:bool*=1 int_contents:int32*=2 int64_contents:int64*=3"
        " uint_contents:uint32*=4 uint64_contents:uint64*=5 fp32_contents:float*=6"
        " fp64_contents:double*=7 bytes_contents:bytes*=8",
        "ModelInferRequest": f"model_name:string=1 model_version:string=2 id:string=3 {_PARAMETERS}"
        " inputs:ModelInferRequest.InferInputTensor*=5"
        " outputs:ModelInferRequest.InferRequestedOutputTensor*=6 raw_input_contents:bytes*=7",
        "ModelInferRequest.InferInputTensor": "name:string=1 datatype:string=2 shape:int64*=3"
        f" {_PARAMETERS} contents:InferTensorContents=5",
        "ModelInferRequest.InferRequestedOutputTensor": "name:string=1 parameters:map<InferParameter>=2",
        "ModelInferResponse": f"model_name:string=1 model_version:string=2 id:string=3 {_PARAMETERS}"
        " outputs:ModelInferResponse.InferOutputTensor*=5 raw_output_contents:bytes*=6",
        "ModelInferResponse.InferOutputTensor": "name:string=1 datatype:string=2 shape:int64*=3"
        f" {_PARAMETERS} contents:InferTensorContents=5",
        "ModelStreamInferResponse": "error_message:string=1 infer_response:ModelInferResponse=2",
        "RepositoryIndexRequest": "repository_name:string=1 ready:bool=2",
        "RepositoryIndexResponse": "models:RepositoryIndexResponse.ModelIndex*=1",
        "RepositoryIndexResponse.ModelIndex": "name:string=1 version:string=2 state:string=3"
        " reason:string=4",
        "ModelRepositoryParameter": "bool_param|parameter_choice:bool=1"
        " int64_param|parameter_choice:int64=2 string_param|parameter_choice:string=3"
        " bytes_param|parameter_choice:bytes=4",
        **{
            f"RepositoryModel{verb}Request": "repository_name:string=1 model_name:string=2"
            " parameters:map<ModelRepositoryParameter>=3"
            for verb in ("Load", "Unload")
        },
        "RepositoryModelLoadResponse": "",
        "RepositoryModelUnloadResponse": "",
    },
    {},
)

_CONTENTS: Mapping[str, str] = {
    "BOOL": "bool_contents",
    **{f"INT{bits}": "int_contents" for bits in (8, 16, 32)},
    **{f"UINT{bits}": "uint_contents" for bits in (8, 16, 32)},
    "INT64": "int64_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    BYTES: "bytes_contents",
}
"""Datatype -> the field that has its elements."""
_FOREIGN = ("shared_memory_region", "classification")
"""Parameters of extensions that are not spoken here: left out they would change what is answered."""


def read_call(message: Any) -> TensorCall:
    """What a message asks. Raises `InvalidInput` with the place for one that cannot be meant."""
    raw = message.raw_input_contents
    if raw and len(raw) != len(message.inputs):
        raise InvalidInput(
            f"raw_input_contents: {len(raw)} for {len(message.inputs)} inputs", field="inputs"
        )
    inputs = [_tensor(t, raw[i] if raw else None) for i, t in enumerate(message.inputs)]
    names: list[str] = []
    for output in message.outputs:
        _refuse_foreign(read_parameters(output.parameters), output.name)
        if output.name in names:
            raise InvalidInput(f"outputs: {output.name!r} is asked for twice", field="outputs")
        names.append(output.name)
    parameters = read_parameters(message.parameters)
    return TensorCall(
        message.model_name, message.model_version, inputs, names, parameters, message.id
    )


def read_parameters(given: Any) -> dict[str, Any]:
    """Parameters by name; one that says nothing is None."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        chosen = value.WhichOneof("parameter_choice")
        found[name] = getattr(value, chosen) if chosen else None
    return found


def _refuse_foreign(parameters: Mapping[str, Any], where: str) -> None:
    for key in _FOREIGN:
        if key in parameters:
            raise InvalidInput(f"{where}: {key} is not supported", field=where)


def _tensor(message: Any, raw: bytes | None) -> Tensor:
    name = message.name
    datatype = read_datatype(message.datatype, name)
    shape = read_shape(list(message.shape), name)
    parameters = read_parameters(message.parameters)
    _refuse_foreign(parameters, name)
    filled = [field.name for field, _ in message.contents.ListFields()]
    if raw is not None:
        if filled:
            raise InvalidInput(f"{name}: has contents beside raw_input_contents", field=name)
        return Tensor(name, datatype, shape, from_raw(name, datatype, shape, raw), parameters)
    field = _CONTENTS.get(datatype)
    if field is None:
        raise InvalidInput(f"{name}: {datatype} goes into raw_input_contents", field=name)
    if filled not in ([], [field]):
        raise SchemaMismatch(
            f"{name}: expected {field} for {datatype}, got {', '.join(filled)}",
            field=name,
            expected=field,
        )
    elements = list(getattr(message.contents, field))
    check_count(name, shape, len(elements))
    return Tensor(name, datatype, shape, from_elements(name, datatype, shape, elements), parameters)


def write_answer(answer: TensorAnswer, id: str, raw: bool) -> Any:
    """The message of an answer: raw contents for who sent raw ones, and where typed ones have no place for a tensor."""
    message = INFERENCE.message("ModelInferResponse")(
        model_name=answer.model, model_version=answer.version, id=id
    )
    raw = raw or any(t.datatype not in _CONTENTS for t in answer.outputs)
    for tensor in answer.outputs:
        output = message.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
        for key, value in tensor.parameters.items():
            if value != "base64":  # as they are: nothing is base64 here
                output.parameters[key].string_param = value
        if raw:
            message.raw_output_contents.append(to_raw(tensor))
        else:
            getattr(output.contents, _CONTENTS[tensor.datatype]).extend(_elements(tensor))
    return message


def _elements(tensor: Tensor) -> Sequence[Any]:
    if tensor.datatype == BYTES:
        return [b"" if x is None else x.encode() if type(x) is str else x for x in tensor.data]
    return tensor.filled().tolist()
