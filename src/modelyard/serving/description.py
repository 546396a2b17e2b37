"""``/interface.json``: what is served, for programs that call it.

Its upper part, ``methods`` with ``args`` and ``returns``, has the shape that clients of older servers read. Under ``modelyard`` stands
the whole schema as cards spell it; `Client` is built from that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from modelyard import __version__
from modelyard.serving.answers import CSV
from modelyard.serving.arrow_wire import ARROW, PARQUET
from modelyard.serving.edge import JSON
from modelyard.serving.execution import Method
from modelyard.serving.npy_wire import NPY
from modelyard.serving.service import Service
from modelyard.types.interface import DataType
from modelyard.types.spelling import signature_to_dict

TOLD_LIMITS = ("body_bytes", "queued_rows", "repeat_seconds")
"""What a client needs to know to ask within a server's limits."""


def describe_service(service: Service, path_of: Callable[[Method], str]) -> dict[str, Any]:
    """The description of everything a service answers."""
    several = service.prefixed
    models: dict[str, Any] = {
        name: {
            "identity": model.identity,
            "version": model.version,
            "digest": model.card.digest,
            "description": model.card.description,
            **({"git": model.provenance["git"]} if "git" in model.provenance else {}),
            "default_method": model.default_method,
            "methods": {},
        }
        for name, model in service.models.items()
    }
    methods: dict[str, Any] = {}
    engines = {housed.model.name: housed.engines for housed in service.housed}
    for method in service.methods:
        name = f"{method.model.name}/{method.name}" if several else method.name
        methods[name] = _older_shape(name, method)
        spelled = {"path": path_of(method), **signature_to_dict(method.signature)}
        if method.name in engines[method.model.name]:
            spelled["engine"] = engines[method.model.name][method.name]
        models[method.model.name]["methods"][method.name] = spelled
    only = None if several else next(iter(service.models.values()), None)
    return {
        "methods": methods,
        "version": __version__,
        "meta": {} if only is None else dict(only.card.metadata),
        "modelyard": {
            "version": __version__,
            "models": models,
            "formats": formats(),
            "limits": {name: getattr(service.limits, name) for name in TOLD_LIMITS},
        },
    }


def formats() -> list[str]:
    """The media types of tables and arrays that are read and written here."""
    found = [JSON, CSV]
    if find_spec("numpy") is not None:
        found.append(NPY)
    if find_spec("pyarrow") is not None:
        found += [ARROW, PARQUET]
    return [kind.decode() for kind in found]


def _older_shape(name: str, method: Method) -> dict[str, Any]:
    signature = method.signature
    return {
        "name": name,
        "args": [
            {
                "name": argument_name,
                **_typed(argument.type),
                "required": argument.required,
                "default": None if argument.required else argument.default,
            }
            for argument_name, argument in signature.args.items()
        ],
        "returns": _typed(signature.returns),
    }


def _typed(type: DataType | None) -> dict[str, Any]:
    spelled = {"type": "unspecified"} if type is None else _older_type(type.table.to_dict())
    return {"data_type": spelled, "serializer": {"type": spelled["type"]}}


_PRIMITIVES = {
    "integer": "int",
    "number": "float",
    "string": "str",
    "boolean": "bool",
    "null": "NoneType",
}


def _older_type(spelled: Mapping[str, Any]) -> dict[str, Any]:
    kind = spelled["type"]
    if kind == "dataframe":
        columns = {**spelled.get("index", {}), **spelled["columns"]}
        dtypes = [c if isinstance(c, str) else c["dtype"] for c in columns.values()]
        index = list(spelled.get("index", {}))
        return {"type": kind, "columns": list(columns), "dtypes": dtypes, "index_cols": index}
    if kind in ("array", "tensor") and isinstance(spelled["dtype"], str):
        return {"type": "ndarray", "dtype": spelled["dtype"], "shape": list(spelled["shape"])}
    if kind in _PRIMITIVES:
        return {"type": "primitive", "ptype": _PRIMITIVES[kind]}
    if kind == "list" and spelled.get("items") is not None:
        items = spelled["items"]
        inner = _older_type({"type": items} if isinstance(items, str) else items)
        return {"type": "array", "dtype": inner, "size": None}
    return {"type": "unspecified"}
