"""What is known of a model's features: thresholds of its trees, categories, words, means of its scalers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from modelyard.objects.engines._onnx.rows import Hints
from modelyard.objects.formats._onnx import graph

MAX_TEXTS = 2000
DEPTH = 8


def hints_of(model: Any, proto: Any, names: Sequence[Any]) -> Hints:
    """From the fitted model and from its graph; of a table with such columns."""
    texts = list(dict.fromkeys(_texts(model)))[:MAX_TEXTS]
    found = Hints(
        numbers=thresholds(proto), texts=texts, categories=dict(_categories(model, names))
    )
    width = len(names)
    scaler = _first_scaler(model, width)
    if scaler is not None:
        found.centers, found.spreads = scaler
    return found


def thresholds(proto: Any) -> dict[int, Any]:
    """Feature -> the numbers that trees compare it with, where they look at what is fed. Nothing without a graph."""
    if proto is None:
        return {}
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
    for part in parts_of(model):
        found: list[Any] = [getattr(part, name, None) for name in ("mean_", "scale_")]
        if all(isinstance(f, np.ndarray) and f.shape == (width,) for f in found):
            mean, scale = found
            return mean, np.where(scale > 0, scale, 1.0)
    return None


def _categories(model: Any, names: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Column -> the texts that an encoder knows in it."""
    for part in parts_of(model):
        for _, inner, columns in getattr(part, "transformers_", None) or ():
            if isinstance(columns, list):
                taken = [names[c] if isinstance(c, int) and c not in names else c for c in columns]
                yield from _encoded(inner, taken)
    yield from _encoded(model, names)


def _encoded(model: Any, names: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    for part in parts_of(model):
        known = getattr(part, "categories_", None)
        if known is not None and len(known) == len(names):
            for name, values in zip(names, known, strict=True):
                yield str(name), [v for v in values if isinstance(v, str)]


def _texts(model: Any) -> Iterator[str]:
    for part in parts_of(model):
        for known in getattr(part, "categories_", None) or ():
            yield from (text for text in known if isinstance(text, str))
        words = getattr(part, "vocabulary_", None)
        if isinstance(words, dict):
            yield from list(words)[:MAX_TEXTS]


def parts_of(model: Any, depth: int = DEPTH) -> Iterator[Any]:
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
            yield from parts_of(part, depth - 1)
