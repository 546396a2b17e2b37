"""The input example of a folder as the sample of a card: the first rows, in JSON, small."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelyard.base.errors import FileMissing
from modelyard.base.paths import open_below
from modelyard.objects.formats._mlflow.mlmodel import MLmodel, inner_path
from modelyard.objects.sampling import MAX_BYTES, MAX_ROWS, is_bare
from modelyard.types.schema import Signature

_MAX_FILE = 4 << 20


def sample_of(description: MLmodel, folder: Path, signature: Signature) -> Any:
    """The card's sample, or None where there is no example that can be one. Nothing but JSON is read."""
    about = description.values.get("saved_input_example_info")
    if not isinstance(about, Mapping) or not signature.args:
        return None
    text = _example_text(folder, about)
    try:
        value = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    first, argument = next(iter(signature.args.items()))
    rows = _first_rows(_unwrapped(value, about), argument.type.kind)
    if rows is None or len(json.dumps(rows)) > MAX_BYTES:
        return None
    return rows if is_bare(signature) else {first: rows}


def _example_text(folder: Path, about: Mapping[str, Any]) -> str | None:
    path = inner_path(about.get("artifact_path"), "saved_input_example_info.artifact_path")
    try:
        with open_below(folder, path) as stream:
            data = stream.read(_MAX_FILE + 1)
    except FileMissing:
        return None
    return data.decode("utf-8", "replace") if len(data) <= _MAX_FILE else None


def _unwrapped(value: Any, about: Mapping[str, Any]) -> Any:
    """The input alone: an example with params is ``{"inputs": …, "params": …}``, a tensor of version 2 had ``inputs``."""
    wrapped = about.get("params") or about.get("type") == "ndarray"
    return value["inputs"] if wrapped and isinstance(value, dict) and "inputs" in value else value


def _first_rows(value: Any, kind: str) -> Any:
    if kind == "dict":
        if not isinstance(value, dict):
            return None
        return {n: v[:MAX_ROWS] if isinstance(v, list) else v for n, v in value.items()}
    names = None
    if isinstance(value, dict):
        names, value = value.get("columns"), value.get("data")
    if not isinstance(value, list):
        return None
    if not isinstance(names, list):
        return value[:MAX_ROWS]
    rows = [row for row in value[:MAX_ROWS] if isinstance(row, list)]
    return [dict(zip(map(str, names), row, strict=False)) for row in rows]
