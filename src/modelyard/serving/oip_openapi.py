"""OpenAPI of the Open Inference Protocol: its own objects, with each model's sample as tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from modelyard.base.errors import ModelyardError
from modelyard.objects.model import Model
from modelyard.serving.examples import example_arguments
from modelyard.serving.service import Service
from modelyard.serving.tensors.calls import TensorCalls
from modelyard.serving.tensors.tensor import DATATYPES, MAX_DIMENSIONS, Tensor, to_json

Schema = dict[str, Any]

_SIZE: Schema = {"type": "integer", "minimum": 0, "maximum": (1 << 63) - 1}
_PARAMETERS: Schema = {"type": ["object", "null"]}
_DATATYPE: Schema = {"enum": list(DATATYPES)}
_TENSOR: Schema = {
    "type": "object",
    "required": ["name", "datatype", "shape", "data"],
    "properties": {
        "name": {"type": "string"},
        "datatype": _DATATYPE,
        "shape": {"type": "array", "items": _SIZE, "maxItems": MAX_DIMENSIONS},
        "parameters": _PARAMETERS,
        "data": {
            "type": "array",
            "description": "The elements in row-major order, nested or flat.",
        },
    },
}
_PORT: Schema = {
    "type": "object",
    "required": ["name", "datatype", "shape"],
    "properties": {
        "name": {"type": "string"},
        "datatype": _DATATYPE,
        "shape": {"type": "array", "items": {"type": "integer", "minimum": -1}},
    },
}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _object(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    properties = {**required, **(optional or {})}
    return {"type": "object", "required": list(required), "properties": properties}


_TEXT: Schema = {"type": "string"}
_WANTED = _object({"name": _TEXT}, {"parameters": _PARAMETERS})
_FACTS = {"versions": _list(_TEXT), "platform": _TEXT}
_PORTS = {"inputs": _list(_ref("TensorPort")), "outputs": _list(_ref("TensorPort"))}
_SCHEMAS: Mapping[str, Schema] = {
    "Tensor": _TENSOR,
    "TensorPort": _PORT,
    "TensorError": _object({"error": {"type": "string", "description": "What, and where."}}),
    "InferRequest": _object(
        {"inputs": _list(_ref("Tensor"))},
        {
            "id": {"type": ["string", "null"]},
            "parameters": {
                **_PARAMETERS,
                "description": "`method` asks for another method than the default.",
            },
            "outputs": {"type": ["array", "null"], "items": _WANTED},
        },
    ),
    "InferResponse": _object(
        {"model_name": _TEXT, "outputs": _list(_ref("Tensor"))},
        {"model_version": _TEXT, "id": _TEXT},
    ),
    "ModelMetadata": _object({"name": _TEXT, **_FACTS, **_PORTS}),
}

_ERRORS = {
    "400": "What was sent cannot be read, or does not fit the schema.",
    "404": "No such model, version or method.",
    "413": "The body is too large.",
    "415": "The content encoding is not supported.",
    "429": "Too much at once; `Retry-After` says when to try again.",
    "500": "The model failed.",
    "501": "The answer cannot be said in tensors.",
    "503": "The model is not loaded.",
    "504": "No answer within the time that was given.",
}
_BODY_ERRORS = ("400", "404", "413", "415", "429", "503")


def oip_operations(service: Service) -> Mapping[str, Any]:
    """``paths`` and ``components`` of ``/v2``."""
    calls = TensorCalls(service)
    names = list(service.models)
    paths: dict[str, Any] = {**_server_paths(), **_model_paths(names), **_repository_paths(names)}
    for name, model in service.models.items():
        if model.methods:
            paths[f"/v2/models/{name}/infer"] = {"post": _infer(calls, model)}
    return {"paths": paths, "components": {"schemas": dict(_SCHEMAS)}}


def _server_paths() -> dict[str, Any]:
    server = _object({"name": _TEXT, "version": _TEXT, "extensions": _list(_TEXT)})
    live, ready = (_object({word: {"type": "boolean"}}) for word in ("live", "ready"))
    models = _object({"models": _list(_TEXT)})
    return {
        "/v2": {"get": _operation("server", "What this server is", server)},
        "/v2/health/live": {"get": _operation("live", "The process lives", live)},
        "/v2/health/ready": {
            "get": _operation("ready", "Requests are welcome", ready, also={"503": _json(ready, "Not yet.")})
        },
        "/v2/models": {"get": _operation("models", "Models that answer", models)},
    }  # fmt: skip


def _model_paths(names: list[str]) -> dict[str, Any]:
    ready = _object({"name": _TEXT, "ready": {"type": "boolean"}})
    method = {"name": "method", "in": "query", "schema": {"type": "string"}}
    metadata = _operation(
        "metadata", "What a model takes and gives", _ref("ModelMetadata"), errors=("404", "503")
    )
    state = _operation("model_ready", "Whether a model answers", ready, errors=("404",))
    # One that is known and not loaded says so as an error.
    state["responses"]["503"] = _json({"anyOf": [ready, _ref("TensorError")]}, "It does not.")
    return {
        "/v2/models/{model}": {
            "parameters": [_model(names)],
            "get": {**metadata, "parameters": [method]},
        },
        "/v2/models/{model}/ready": {"parameters": [_model(names)], "get": state},
    }


def _repository_paths(names: list[str]) -> dict[str, Any]:
    row = _object({"name": _TEXT, "version": _TEXT, "state": _TEXT, "reason": _TEXT})
    asked = _object({}, {"ready": {"type": "boolean"}})
    index = _operation("index", "All models that are known", _list(row), errors=_BODY_ERRORS)
    paths: dict[str, Any] = {"/v2/repository/index": {"post": {**index, **_body(asked)}}}
    for verb, told in (("load", "Load a model anew, by its name"), ("unload", "Let a model go")):
        changed = _object({"name": _TEXT, verb: {"type": "boolean"}})
        done = _operation(verb, told, changed, errors=(*_BODY_ERRORS, "500"))
        body = _body(_object({}, {"parameters": {"type": ["object", "null"]}}))
        path = f"/v2/repository/models/{{model}}/{verb}"
        paths[path] = {"parameters": [_model(names)], "post": {**done, **body}}
    return paths


def _infer(calls: TensorCalls, model: Model) -> dict[str, Any]:
    name = model.name
    word = re.sub(r"\W", "_", name)
    operation = _operation(
        f"infer_{word}",
        f"{model.default_method} of {name}, by tensors",
        _ref("InferResponse"),
        errors=tuple(_ERRORS),
    )
    octets = {"schema": {"type": "string", "format": "binary"}}
    operation["responses"]["200"]["content"]["application/octet-stream"] = octets
    example = _example(calls, model)
    return {**operation, **_body(_ref("InferRequest"), required=True, **example)}


def _example(calls: TensorCalls, model: Model) -> dict[str, Any]:
    """The sample as tensors; nothing where there is none, or where it cannot be said in them."""
    method = model.default_method
    arguments = example_arguments(model, method)
    if not arguments:
        return {}
    try:
        tensors = calls.method(model.name, method).spelled(arguments)
    except ModelyardError:
        return {}
    return {"example": {"inputs": [_spelled(tensor) for tensor in tensors]}}


def _spelled(tensor: Tensor) -> dict[str, Any]:
    more = {"parameters": dict(tensor.parameters)} if tensor.parameters else {}
    facts = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
    return {**facts, **more, "data": to_json(tensor)}


def _model(names: list[str]) -> dict[str, Any]:
    schema = {"type": "string", **({"enum": names} if names else {})}
    return {"name": "model", "in": "path", "required": True, "schema": schema}


def _operation(
    name: str,
    summary: str,
    answer: Schema,
    *,
    errors: tuple[str, ...] = (),
    also: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    failed = {status: _json(_ref("TensorError"), _ERRORS[status]) for status in errors}
    return {
        "operationId": f"v2_{name}",
        "summary": summary,
        "tags": ["open inference protocol"],
        "responses": {"200": _json(answer, "As asked."), **failed, **(also or {})},
    }


def _body(schema: Schema, *, required: bool = False, **shown: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": schema, **shown}}
    return {"requestBody": {"required": required, "content": content}}


def _json(schema: Schema, description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
