"""What the page is told about the models: each method with its arguments, their schemas and an example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modelyard import __version__
from modelyard.objects.sampling import is_bare
from modelyard.serving.examples import example_arguments
from modelyard.serving.execution import Method
from modelyard.serving.forms import columns_of
from modelyard.serving.service import Service
from modelyard.types.binary import binary, binary_items
from modelyard.types.schema import Argument


def page_facts(service: Service, path_of: Callable[[Method], str]) -> dict[str, Any]:
    """The models by name, in the order in which they are served."""
    models: list[dict[str, Any]] = []
    for name, model in service.models.items():
        methods = [m for m in service.methods if m.model.name == name]
        models.append({
            "name": name,
            "identity": model.identity,
            "version": model.version,
            "description": model.card.description,
            "labels": list(model.card.labels),
            "metrics": dict(model.card.metrics),
            "default_method": model.default_method if model.methods else "",
            "methods": [_method(method, path_of(method)) for method in methods],
        })  # fmt: skip
    return {"version": __version__, "models": models}


def _method(method: Method, path: str) -> dict[str, Any]:
    signature = method.signature
    returned = binary(signature.returns)
    return {
        "name": method.name,
        "path": path,
        "streams": method.items is not None,
        "bare": is_bare(signature),
        "returns": signature.returns.json_schema() if signature.returns else {},
        "returns_file": returned.media_type if returned is not None else None,
        "arguments": [_argument(name, a) for name, a in signature.args.items()],
        "example": example_arguments(method.model, method.name),
    }


def _argument(name: str, argument: Argument) -> dict[str, Any]:
    columns = columns_of(argument.type)
    spelled = {
        "name": name,
        "required": argument.required,
        "schema": argument.type.json_schema(),
        "columns": None if columns is None else list(columns),
        "file": "one" if binary(argument.type) is not None
        else "many" if binary_items(argument.type) is not None else None,
    }  # fmt: skip
    return spelled if argument.required else {**spelled, "default": argument.default}
