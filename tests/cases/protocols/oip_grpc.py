"""The Open Inference Protocol over gRPC, spoken with raw tensors by grpcio's ordinary client."""

from __future__ import annotations

import struct
from typing import Any

import grpc
import numpy as np

from modelyard.serving.tensors.tensor import DATATYPES
from modelyard.testing.protocols import Answered, Case, Question, Refused
from serving_cases.grpc_client import GrpcClient
from serving_cases.server import Http
from serving_cases.tensors import Sent, tensors_of, value_of

KINDS = {
    grpc.StatusCode.INVALID_ARGUMENT: "invalid",
    grpc.StatusCode.NOT_FOUND: "not_found",
    grpc.StatusCode.INTERNAL: "failed",
}


def case(http: Http) -> Case:
    client = GrpcClient(http.grpc)

    def ports(question: Question) -> tuple[list[Any], list[Any]]:
        try:
            found, _ = client.ask(
                "ModelMetadata", {"name": question.model}, {"method": question.method}
            )
        except grpc.RpcError:
            return [], []
        return [
            [{"name": p.name, "datatype": p.datatype, "shape": list(p.shape)} for p in side]
            for side in (found.inputs, found.outputs)
        ]  # type: ignore[return-value]  # a list of two

    def ask(question: Question) -> Answered | Refused:
        inputs, outputs = ports(question)
        sent = tensors_of(question.arguments, {p["name"]: p for p in inputs})
        fields = {
            "model_name": question.model,
            "parameters": {"method": {"string_param": question.method}},
            "inputs": [{"name": t.name, "datatype": t.datatype, "shape": t.shape} for t in sent],
            "raw_input_contents": [_raw(tensor) for tensor in sent],
        }
        headers = {"x-request-id": question.request_id} if question.request_id else {}
        try:
            answer, told = client.ask("ModelInfer", fields, headers)
        except grpc.RpcError as error:
            return _refused(error)
        tensors = [
            Sent(o.name, o.datatype, list(o.shape), _elements(o.datatype, raw))
            for o, raw in zip(answer.outputs, answer.raw_output_contents, strict=True)
        ]
        value = value_of(tensors, outputs)
        return Answered(value, told["x-modelyard-model"], told["x-request-id"])

    return Case(ask)


def _refused(error: Any) -> Refused:
    wait = dict(error.trailing_metadata() or ()).get("retry-after")
    if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
        kind = "too_large" if wait is None else "overloaded"
    else:
        kind = KINDS[error.code()]
    return Refused(kind, error.details(), None if wait is None else float(wait))


def _raw(tensor: Sent) -> bytes:
    if tensor.datatype == "BYTES":
        texts = [x.encode() for x in tensor.data]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    return np.array(tensor.data, dtype=DATATYPES[tensor.datatype]).tobytes()


def _elements(datatype: str, raw: bytes) -> list[Any]:
    if datatype != "BYTES":
        return np.frombuffer(raw, dtype=DATATYPES[datatype]).tolist()
    texts: list[str] = []
    while raw:
        [size] = struct.unpack_from("<I", raw)
        texts.append(raw[4 : 4 + size].decode())
        raw = raw[4 + size :]
    return texts
