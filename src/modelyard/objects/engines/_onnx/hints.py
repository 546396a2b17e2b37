"""What is known of a model's features: thresholds of its trees, categories, words, means of its scalers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from modelyard.objects.engines._onnx.rows import Hints
from modelyard.objects.formats._onnx import graph

MAX_TEXTS = 2000
DEPTH = 8


def hints_of(model: Any, proto: Any, width: int) -> Hints:
    """From the fitted model and from its graph."""
    found = Hints(numbers=thresholds(proto), texts=list(dict.fromkeys(_texts(model)))[:MAX_TEXTS])
    scaler = _first_scaler(model, width)
    if scaler is not None:
        found.centers, found.spreads = scaler
    return found


def thresholds(proto: Any) -> dict[int, Any]:
    """Feature -> the numbers that trees compare it with, where they look at what is fed."""
    raw = {value.name for value in proto.graph.input}
    found: dict[int, list[Any]] = {}
    for node in proto.graph.node:
        if node.op_type in ("Cast", "Identity") and node.input[0] in raw:
            raw.update(node.output)
        if node.op_type.startswith("TreeEnsemble") and node.input[0] in raw:
            attributes = {a.name: a for a in node.attribute}
            features = np.array(attributes["nodes_featureids"].ints)
            values = _splits(attributes)
            for feature in np.unique(features):
                found.setdefault(int(feature), []).append(values[features == feature])
    return {n: _finite(np.concatenate(parts)) for n, parts in found.items()}


def _splits(attributes: dict[str, Any]) -> Any:
    arrays = graph.onnx().numpy_helper
    for name in ("nodes_splits", "nodes_values_as_tensor"):
        if name in attributes:
            return arrays.to_array(attributes[name].t).astype(np.float64)
    return np.array(attributes["nodes_values"].floats, np.float64)


def _finite(values: Any) -> Any:
    return np.unique(values[np.isfinite(values)])


def _first_scaler(model: Any, width: int) -> tuple[Any, Any] | None:
    """Where the values of all columns lie, as a scaler learned it."""
    for part in _parts(model):
        found: list[Any] = [getattr(part, name, None) for name in ("mean_", "scale_")]
        if all(isinstance(f, np.ndarray) and f.shape == (width,) for f in found):
            mean, scale = found
            return mean, np.where(scale > 0, scale, 1.0)
    return None


def _texts(model: Any) -> Iterator[str]:
    for part in _parts(model):
        for known in getattr(part, "categories_", None) or ():
            yield from (text for text in known if isinstance(text, str))
        words = getattr(part, "vocabulary_", None)
        if isinstance(words, dict):
            yield from list(words)[:MAX_TEXTS]


def _parts(model: Any, depth: int = DEPTH) -> Iterator[Any]:
    """A model and those inside it, outer ones first."""
    yield model
    if depth == 0:
        return
    inner = [part for _, part in getattr(model, "steps", None) or ()]
    inner += [part for _, part, *_ in getattr(model, "transformers_", None) or ()]
    inner += [part for _, part in getattr(model, "transformer_list", None) or ()]
    for name in ("best_estimator_", "base_estimator", "estimator"):
        if (part := getattr(model, name, None)) is not None:
            inner.append(part)
    for part in inner:
        if not isinstance(part, str):
            yield from _parts(part, depth - 1)
