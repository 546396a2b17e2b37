"""Read the whole schema before anything is imported: which types it names, which of them are refused, which files it uses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelyard.base.errors import Corrupted
from modelyard.objects.formats._skops import allowed

MAX_NODES_DEEP = 150

_SILENT = ("JsonNode", "CachedNode")
"""Nodes that name no type of their own: plain values, and references to earlier nodes."""


@dataclass(frozen=True)
class Findings:
    """What a schema names. Dotted names with how often they stand there."""

    types: Counter[str] = field(default_factory=Counter[str])
    refused: Counter[str] = field(default_factory=Counter[str])
    files: set[str] = field(default_factory=set[str])


def audit(schema: Mapping[str, Any]) -> Findings:
    """Every node of a schema, wherever it stands. `Corrupted` when it is no schema or nests too deep."""
    found = Findings()
    if not isinstance(schema.get("__loader__"), str):
        raise Corrupted("schema.json describes no object")
    level: list[Any] = [schema]
    nodes_deep = 0
    while level:
        nodes = [v for v in level if type(v) is dict and type(v.get("__loader__")) is str]
        nodes_deep += bool(nodes)
        if nodes_deep > MAX_NODES_DEEP:
            raise Corrupted(f"objects nest more than {MAX_NODES_DEEP} deep")
        for node in nodes:
            _note(node, found)
        level = [
            item
            for value in level
            for item in (value.values() if type(value) is dict else value)
            if type(item) is dict or type(item) is list
        ]
    return found


def dotted(node: Mapping[str, Any]) -> str:
    """``module.Class`` of a node; `Corrupted` when it has none."""
    module, name = node.get("__module__"), node.get("__class__")
    if not isinstance(module, str) or not isinstance(name, str):
        raise Corrupted(f"a {node.get('__loader__')} names no type")
    return f"{module}.{name}"


def _note(node: Mapping[str, Any], found: Findings) -> None:
    loader = node["__loader__"]
    file = node.get("file")
    if isinstance(file, str):
        found.files.add(file)
    if loader in _SILENT:
        return
    name = dotted(node)
    if loader == "MethodNode" and isinstance(content := node.get("content"), dict):
        name = f"{name}.{content.get('func')}"
    found.types[name] += 1
    if not allowed.is_allowed(loader, name):
        found.refused[name] += 1
