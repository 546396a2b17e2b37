"""The classes and functions of somebody's own that a config names, found where they are."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any

from modelyard.objects.flavors._keras.allowed import allowed_function


def named_objects(config: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """What a config names beside Keras' own, by every name that Keras looks it up under."""
    parts = list(_parts(model))
    known = {f.__name__: f for part in parts for f in _functions(part)}
    known |= {type(part).__name__: type(part) for part in parts}
    found: dict[str, Any] = {}
    for module, name, registered in _names(config):
        if module.partition(".")[0] == "keras" or allowed_function(module, name):
            continue
        obj = _registered(registered) or known.get(name) or _in_module(module, name)
        if obj is not None:
            found |= {name: obj, registered or name: obj}
    return found


def _names(part: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(part, Mapping):
        name, module = part.get("class_name"), part.get("module")
        if name == "function":
            name = part.get("config")
        if isinstance(name, str) and not name.startswith("__"):
            registered = part.get("registered_name") or ""
            yield str(module or ""), name, "" if registered == "function" else str(registered)
        for value in part.values():
            yield from _names(value)
    elif isinstance(part, list):
        for value in part:
            yield from _names(value)


def _parts(model: Any) -> Iterator[Any]:
    """The model, its layers of any depth, and what it is trained with."""
    yield model
    yield from getattr(model, "_flatten_layers", lambda: [])()
    for name in ("optimizer", "loss"):
        part = getattr(model, name, None)
        if part is not None:
            yield part
    yield from getattr(model, "metrics", ())


def _functions(part: Any) -> Iterator[Any]:
    """Functions that a part keeps: its activation, its loss."""
    for value in getattr(part, "__dict__", {}).values():
        for item in value if isinstance(value, list | tuple) else (value,):
            if isinstance(item, FunctionType):
                yield item


def _registered(name: str) -> Any:
    import keras

    return keras.saving.get_registered_object(name) if name else None


def _in_module(module: str, name: str) -> Any:
    return getattr(sys.modules.get(module), name, None)
