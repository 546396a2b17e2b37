"""OpenAPI of ``/invocations`` and ``/ping``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelyard.base.errors import ModelyardError
from modelyard.serving.examples import example_body
from modelyard.serving.execution import Method
from modelyard.serving.openapi import table_example
from modelyard.serving.scoring_forms import DATA_KEYS, INPUTS, PARAMS, RECORDS, SPLIT
from modelyard.serving.service import Service
from modelyard.serving.text_csv import write_csv

_ERROR: Mapping[str, Any] = {
    "type": "object",
    "required": ["error_code", "message", "request_id"],
    "properties": {
        "error_code": {"type": "string"},
        "message": {"type": "string"},
        "code": {"type": "string", "description": "What REST calls it."},
        "field": {"type": "string", "description": "The place in what was sent."},
        "request_id": {"type": "string"},
    },
}
_ERRORS = {
    "400": "The body cannot be read, or does not fit the schema.",
    "404": "No such model or method.",
    "413": "The body is too large.",
    "415": "The content type or encoding is not supported.",
    "429": "Too much at once; `Retry-After` says when to try again.",
    "500": "The model failed.",
    "503": "The model is not loaded.",
}


def scoring_paths(service: Service) -> dict[str, Any]:
    """The paths that protocols of scoring servers have in common."""
    return {
        "/invocations": {"post": scoring_operation(service)},
        "/ping": {"get": ping_operation("ping")},
    }


def ping_operation(name: str) -> dict[str, Any]:
    """Whether requests are welcome."""
    return {
        "operationId": name,
        "summary": "Requests are welcome",
        "tags": ["scoring"],
        "responses": {
            "200": {"description": "They are."},
            "503": {"description": "Still starting, or about to stop."},
        },
    }


def scoring_operation(service: Service) -> dict[str, Any]:
    """``POST /invocations``, with an example that is answered as shown."""
    models = list(service.models)
    several = len(models) != 1
    return {
        "operationId": "invocations",
        "summary": "The default method of a model",
        "tags": ["scoring"],
        "parameters": [
            {
                "name": "model",
                "in": "query",
                "required": several,
                "schema": {"type": "string", **({"enum": models} if models else {})},
            },
            {"name": "method", "in": "query", "schema": {"type": "string"}},
        ],
        "requestBody": {"required": True, "content": _content(service)},
        "responses": {
            "200": {
                "description": "The answers, one a record.",
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["predictions"],
                            "properties": {"predictions": {}},
                        }
                    }
                },
            },
            **{status: _error(text) for status, text in _ERRORS.items()},
        },
    }


def _content(service: Service) -> dict[str, Any]:
    data: dict[str, Any] = {key: {} for key in DATA_KEYS}
    data[SPLIT] = {
        "type": "object",
        "required": ["data"],
        "properties": {"columns": {}, "data": {"type": "array"}, "index": {}},
        "additionalProperties": False,
    }
    data[RECORDS] = {"type": "array"}
    schema = {
        "type": "object",
        "properties": {**data, PARAMS: {"type": "object"}},
        "oneOf": [{"required": [key]} for key in DATA_KEYS],
    }
    content: dict[str, Any] = {"application/json": {"schema": schema}}
    try:
        method = service.find(None, None) if len(service.models) == 1 else None
    except ModelyardError:  # a model without methods
        method = None
    if method is not None:
        content["application/json"].update(_example(method))
        if table := table_example(method):
            text = write_csv(table, method.name).decode()
            content["text/csv"] = {"schema": {"type": "string"}, "example": text}
    return content


def _example(method: Method) -> dict[str, Any]:
    body = example_body(method.model, method.name)
    if body is None:
        return {}
    return {"example": {RECORDS if table_example(method) else INPUTS: body}}


def _error(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _ERROR}}}
