"""Read the config of a ``.keras`` file as data: every name that its loader would look up, before the loader sees it.

Keras imports what a config names and passes on what it says. So each object in it must be spelled the way keras writes
its own public classes, stand on our list, and ask for nothing beyond the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.base.errors import Corrupted
from modelyard.objects.flavors._keras.allowed import (
    LOOKUPS,
    MODELS,
    OPERATIONS,
    VALUES,
    allowed_class,
    allowed_function,
)


@dataclass(frozen=True)
class Findings:
    """What a config names."""

    names: tuple[str, ...]
    """Classes and functions, as dotted names."""
    strangers: tuple[str, ...]
    """What is not on the list, or asks for more than the file has."""
    operations: frozenset[tuple[str, str]]
    """Module and name of operations, of which only the module is on the list."""
    texts: frozenset[str]
    """All texts, for an object that this process has registered may be called by any of them."""


def parse(text: bytes) -> dict[str, Any]:
    """The config as keras parses it, or `Corrupted`."""
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Corrupted(f"config.json is not JSON: {error}") from error
    if not isinstance(config, dict):
        raise Corrupted("config.json is not a JSON object")
    return config


def review(config: Mapping[str, Any]) -> Findings:
    """All names of a model's config but those of its ``compile_config``, which nobody needs to predict."""
    whole = (config.get("module"), config.get("class_name"))
    found = review_part({k: v for k, v in config.items() if k != "compile_config"})
    if whole not in MODELS:
        own = ".".join(map(str, whole))
        found = Findings(
            found.names,
            tuple({own: None, **dict.fromkeys(found.strangers)}),
            found.operations,
            found.texts,
        )
    return found


def review_part(part: Any) -> Findings:
    """All names of a part of a config."""
    names: dict[str, None] = {}
    strangers: dict[str, None] = {}
    operations: set[tuple[str, str]] = set()
    texts: set[str] = set()
    for value in _walk(part):
        if isinstance(value, str):
            texts.add(value)
        elif isinstance(value, dict) and "class_name" in value:
            name, wrong = _judge(value)
            names[name] = None
            if wrong:
                strangers[wrong] = None
            elif value.get("module") in OPERATIONS:
                operations.add((value["module"], value["class_name"]))
    return Findings(tuple(names), tuple(strangers), frozenset(operations), frozenset(texts))


def _walk(part: Any) -> Iterator[Any]:
    """Every value and key, of any depth."""
    open_ = [part]
    while open_:
        value = open_.pop()
        yield value
        if isinstance(value, dict):
            open_ += value.keys()
            open_ += value.values()
        elif isinstance(value, list):
            open_ += value


def _judge(spelled: Mapping[str, Any]) -> tuple[str, str]:
    """The dotted name of an object in a config, and what is wrong with it, if anything."""
    module, name, config = (spelled.get(key) for key in ("module", "class_name", "config"))
    if module is None and name in VALUES:
        return str(name), ""
    if not (isinstance(module, str) and isinstance(name, str) and "config" in spelled):
        # Without a module, keras falls back to a reader for older files, with rules of its own.
        return str(name), _registered(spelled) or str(name)
    if name == "function":
        full = f"{module}.{config}".removeprefix("builtins.")
        fine = isinstance(config, str) and allowed_function(module, config)
        alias = (None, "function", config)
    else:
        full = f"{module}.{name}"
        fine = allowed_class(module, name)
        alias = (None, name)
    if not fine or spelled.get("registered_name") not in alias:
        return full, _registered(spelled) or full
    return full, _beyond_the_file(name, config)


def _registered(spelled: Mapping[str, Any]) -> str:
    """The name under which a class of somebody's own was registered: ``mine>Scale``."""
    name = spelled.get("registered_name")
    return name if isinstance(name, str) and ">" in name else ""


def _beyond_the_file(name: str, config: Any) -> str:
    """What a layer would read from elsewhere."""
    if name not in LOOKUPS or not isinstance(config, dict):
        return ""
    named = [key for key in ("vocabulary", "idf_weights") if isinstance(config.get(key), str)]
    return f"keras.layers.{name} that reads a {named[0]} from a file" if named else ""
