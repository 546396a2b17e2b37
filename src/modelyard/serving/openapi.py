"""OpenAPI of the served methods: typed from their schemas, with the card's sample as example."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from modelyard.objects.sampling import required_arguments
from modelyard.serving.arrow_wire import ARROW, PARQUET
from modelyard.serving.examples import example_body
from modelyard.serving.execution import Method
from modelyard.serving.forms import LONGEST_ID, REFERENCE_ID, columns_of
from modelyard.serving.npy_wire import NPY
from modelyard.serving.rows import holds_records
from modelyard.serving.service import Service
from modelyard.serving.text_csv import write_csv
from modelyard.types.binary import OCTETS, binary, binary_items
from modelyard.types.interface import DataType

Schema = dict[str, Any]

_ERRORS = {
    "400": "The body cannot be read: not JSON, not CSV, nested too deep.",
    "413": "The body is too large.",
    "415": "The content type or encoding is not supported.",
    "422": "The data does not fit the schema; `field` names the place.",
    "429": "Too much at once; `Retry-After` says when to try again.",
    "500": "The model failed; the server's log has more under the request id.",
    "504": "No answer within the time that was given.",
}

ERROR_SCHEMA: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "request_id"],
            "properties": {
                "code": {"type": "string", "description": "Stable, in snake_case."},
                "message": {"type": "string"},
                "hint": {"type": "string", "description": "What to do about it."},
                "field": {"type": "string", "description": "The place in what was sent."},
                "expected": {"type": "string"},
                "request_id": {"type": "string"},
            },
        }
    },
}

_HEADERS = [
    {
        "name": "X-Request-ID",
        "in": "header",
        "schema": {"type": "string"},
        "description": "Up to 128 plain characters come back with the answer; else one is made up.",
    },
    {
        "name": "X-Reference-ID",
        "in": "header",
        "schema": {"type": "string"},
        "description": "Your own id for this request, of up to 256 characters, kept with logged predictions.",
    },
]


def method_operations(service: Service, path_of: Callable[[Method], str]) -> Mapping[str, Any]:
    """``paths`` and ``components`` of all served methods."""
    return {
        "paths": {path_of(m): {"post": _operation(service, m)} for m in service.methods},
        "components": {"schemas": {"Error": ERROR_SCHEMA}},
    }


VERBS = ("get", "head", "post", "put", "patch", "delete")


def add_security(schema: Schema, is_open: Callable[[str, str], bool]) -> None:
    """Say in a whole OpenAPI document that a key is asked for, and where it is not."""
    schema.setdefault("components", {})["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    schema["security"] = [{"bearer": []}, {"key": []}]
    for path, operations in schema["paths"].items():
        for verb, operation in operations.items():
            if verb not in VERBS:  # what all operations of a path have in common
                continue
            if is_open(verb.upper(), path):
                operation["security"] = []
                continue
            responses = operation.setdefault("responses", {})
            responses.setdefault("401", _error("No key, or one that is not known here."))
            responses.setdefault("403", _error("This key is not for this model."))


def _operation(service: Service, method: Method) -> dict[str, Any]:
    several = service.prefixed
    name = f"{method.model.name}_{method.name}" if several else method.name
    return {
        "operationId": re.sub(r"\W", "_", name),
        "summary": f"{method.name} of {method.model.name}",
        "tags": [method.model.name],
        "parameters": _HEADERS,
        "requestBody": {"required": True, "content": _request_content(method)},
        "responses": {"200": _answer(method), **{s: _error(text) for s, text in _ERRORS.items()}},
    }


def _request_content(method: Method) -> dict[str, Any]:
    example = example_body(method.model, method.name)
    shown = {} if example is None else {"example": example}
    content: dict[str, Any] = file_content(method)
    content["application/json"] = {"schema": request_schema(method), **shown}
    if (text := text_argument(method)) is not None:
        content["text/plain"] = {"schema": {"type": "string"}, **_text_example(example, text)}
    if method.records and method.columns is not None:
        table = table_example(method)
        text = {"example": write_csv(table, method.name).decode()} if table else {}
        content["text/csv"] = {"schema": {"type": "string"}, **text}
    if method.records and not file_content(method):
        content |= {kind.decode(): {"schema": _BINARY} for kind in (PARQUET, ARROW, NPY)}
    return content


def text_argument(method: Method) -> str | None:
    """The argument that a text/plain body is for: a text that is all that must be given."""
    names = required_arguments(method.signature)
    args = method.signature.args
    return names[0] if len(names) == 1 and args[names[0]].type.kind == "string" else None


def _text_example(example: Any, name: str) -> dict[str, Any]:
    text = example.get(name) if isinstance(example, dict) else example
    return {"example": text} if isinstance(text, str) else {}


def table_example(method: Method) -> Any:
    """The sample's records, for a method whose argument is a table; None where there is none."""
    if not method.records or method.columns is None:
        return None
    example = example_body(method.model, method.name)
    return example.get(method.records) if isinstance(example, dict) else example


_ID: Schema = {"type": ["string", "integer", "null"], "maxLength": LONGEST_ID}
_BINARY: Schema = {"type": "string", "format": "binary"}
_FILE: Schema = {"type": "string", "format": "binary", "contentMediaType": OCTETS}
"""Both ways to say it: OpenAPI 3.1 has the second, and the page of docs makes an upload button of the first."""


def file_content(method: Method) -> dict[str, Any]:
    """How a method that takes files is called with them: as a form, and where it takes but one, as that file."""
    args = method.signature.args
    fields = {n: f for n, a in args.items() if (f := _file_field(a.type)) is not None}
    if not fields:
        return {}
    schema: Schema = {
        "type": "object",
        "properties": {n: fields.get(n) or a.type.json_schema() for n, a in args.items()},
        "required": [n for n, a in args.items() if a.required],
    }
    if method.signature.extra is None:
        schema["properties"].setdefault(REFERENCE_ID, _ID)
        schema["additionalProperties"] = False
    # Without this a client would send a number, or a list of them, in a form of its own.
    plain = {n: {"contentType": "application/json"} for n in args if n not in fields}
    form = {"schema": schema, **({"encoding": plain} if plain else {})}
    content = {"multipart/form-data": form}
    required = schema["required"]
    if len(required) == 1 and required[0] in fields:
        content[OCTETS] = {"schema": _FILE}
    return content


def _file_field(type: DataType) -> Schema | None:
    if binary(type) is not None:
        return _FILE
    return {"type": "array", "items": _FILE} if binary_items(type) is not None else None


def request_schema(method: Method) -> Schema:
    """The JSON that a method takes, in all its forms."""
    signature = method.signature
    by_name: Schema = {
        "type": "object",
        "title": "arguments by name",
        "properties": {n: _argument_schema(a.type) for n, a in signature.args.items()},
        "required": [n for n, a in signature.args.items() if a.required],
    }
    for name, argument in signature.args.items():
        if not argument.required and _is_plain(argument.default):
            by_name["properties"][name] = {
                **by_name["properties"][name],
                "default": argument.default,
            }
    if signature.extra is None:
        by_name["additionalProperties"] = False
        by_name["properties"].setdefault(REFERENCE_ID, _ID)
    bare = [name for name, argument in signature.args.items() if argument.required]
    if len(bare) != 1:
        return by_name
    value = _argument_schema(signature.args[bare[0]].type)
    options = value["anyOf"] if set(value) == {"anyOf"} else [{"title": bare[0], **value}]
    return {"anyOf": [*options, by_name]}


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))


def _argument_schema(type: DataType) -> Schema:
    schema = type.json_schema()
    columns = columns_of(type)
    if columns is None:
        return _filled(schema)
    record: Schema = schema.get("items", {})
    cells: Mapping[str, Schema] = record.get("properties", {})
    if REFERENCE_ID not in cells:
        cells = {**cells, REFERENCE_ID: {**_ID, "description": "Your own id for the record."}}
        record = {**record, "properties": cells}
    return {
        "anyOf": [
            {**schema, "title": "records", "items": record, "minItems": 1},
            {
                "title": "columns",
                "type": "object",
                "properties": {n: _filled({"type": "array", "items": c}) for n, c in cells.items()},
                "required": list(columns),
                "additionalProperties": False,
            },
            {
                "title": "split",
                "type": "object",
                "properties": {
                    "columns": {"type": "array", "items": {"enum": list(cells)}},
                    "data": {"type": "array", "items": {"type": "array"}, "minItems": 1},
                },
                "required": ["columns", "data"],
            },
        ]
    }


def _filled(schema: Schema) -> Schema:
    """A list that must not be empty: no method is asked about nothing."""
    least = max(1, schema.get("minItems", 0))
    return {**schema, "minItems": least} if schema.get("type") == "array" else schema


def _answer(method: Method) -> dict[str, Any]:
    returns = method.signature.returns
    return {
        "description": "The bare value.",
        "headers": {
            "X-Request-ID": {"schema": {"type": "string"}},
            "X-Modelyard-Model": {
                "schema": {"type": "string"},
                "description": "Which version answered: `name@version` or `name@sha256:…`.",
            },
        },
        "content": {
            "application/json": {"schema": returns.json_schema() if returns else {}},
            "text/csv": {"schema": {"type": "string"}},
            **_bare_content(returns),
            **_typed_content(returns),
            **_stream_content(method),
        },
    }


def _bare_content(returns: DataType | None) -> dict[str, Any]:
    """Answers that are a text or a file, as what they are."""
    if (file := binary(returns)) is not None:
        return {file.media_type: {"schema": _FILE}}
    text = returns is not None and returns.kind == "string"
    return {"text/plain": {"schema": {"type": "string"}}} if text else {}


def _typed_content(returns: DataType | None) -> dict[str, Any]:
    """Answers that carry their own types."""
    kinds = (PARQUET, ARROW, NPY) if holds_records(returns) else ()
    return {kind.decode(): {"schema": _BINARY} for kind in kinds}


def _stream_content(method: Method) -> dict[str, Any]:
    """Answers that come piece by piece."""
    if method.items is None:
        return {}
    item = method.items.json_schema()
    events = "`data:` with the JSON of one item for each, then `event: end`, or `event: error`."
    lines = "The JSON of one item a line."
    return {
        "text/event-stream": {
            "schema": {"type": "string", "description": events},
            "x-itemSchema": item,
        },
        "application/x-ndjson": {
            "schema": {"type": "string", "description": lines},
            "x-itemSchema": item,
        },
    }


def _error(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}
