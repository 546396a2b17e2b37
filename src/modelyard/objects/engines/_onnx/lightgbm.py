"""LightGBM: its trees as they are, in float64; what asks for categories or zeros by onnxmltools, where that can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from modelyard.base.errors import UnsupportedType
from modelyard.objects.engines._onnx import trees
from modelyard.objects.engines._onnx.trees import Ensemble, Tree
from modelyard.objects.formats._onnx import lightgbm as converter


def candidates(model: Any, value: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Exact ones first."""
    yield "by its trees", lambda: _graph(model)
    yield from converter.attempts(model, value)


def _graph(model: Any) -> Any:
    booster = getattr(model, "booster_", model)
    best = getattr(model, "best_iteration_", None) or getattr(booster, "best_iteration", None)
    dump = booster.dump_model(num_iteration=best if best and best > 0 else None)
    return trees.graph_of(ensemble(dump, getattr(model, "classes_", None)), dump["max_feature_idx"] + 1)  # fmt: skip


def ensemble(dump: Any, classes: Any) -> Ensemble:
    """Of a dump of the booster; without classes, as the booster itself answers."""
    if dump.get("average_output"):
        raise UnsupportedType("it is a forest")
    objective, *options = dump.get("objective", "none").split(" ")
    groups = dump["num_tree_per_iteration"]
    plain = objective in ("regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank")  # fmt: skip
    positive = objective in ("poisson", "gamma", "tweedie")
    if classes is not None and objective == "binary" and options == ["sigmoid:1"]:
        link = "logistic"
    elif classes is not None and objective == "multiclass":
        link = "softmax"
    elif classes is None and (plain or positive) and not options:
        link = "exp" if positive else ""
    else:
        raise UnsupportedType(f"its objective is {dump.get('objective')}")
    found = [_tree(info["tree_structure"]) for info in dump["tree_info"]]
    return Ensemble(found, False, groups, link=link, classes=classes, second="")


def _tree(root: Any) -> Tree:
    rows: list[tuple[int, float, int, int, bool, float]] = []

    def add(node: Any) -> int:
        number = len(rows)
        rows.append((0, 0.0, -1, -1, False, float(node.get("leaf_value", 0.0))))
        if "split_feature" in node:
            missing = _missing_left(node)
            threshold = float(node["threshold"])
            left, right = add(node["left_child"]), add(node["right_child"])
            rows[number] = (node["split_feature"], threshold, left, right, missing, 0.0)
        return number

    add(root)
    feature, threshold, left, right, missing, values = map(np.array, zip(*rows, strict=True))
    return Tree(feature, _beside_zero(threshold), left, right, missing, values.reshape(-1, 1))


def _beside_zero(threshold: Any) -> Any:
    """Numbers this small are zero to the library, before it compares them."""
    zero = float(np.float32(1e-35))
    below = (threshold >= -zero) & (threshold < 0)
    above = (threshold >= 0) & (threshold < zero)
    return np.where(below, np.nextafter(-zero, -np.inf), np.where(above, zero, threshold))


def _missing_left(node: Any) -> bool:
    """Where a row without the feature goes: where the split says, or as a zero would where none was seen missing."""
    if node["decision_type"] != "<=":
        raise UnsupportedType("it tells categories itself")
    kind = node["missing_type"]
    if kind == "Zero":
        raise UnsupportedType("zero is missing to it")
    return bool(node["default_left"]) if kind == "NaN" else float(node["threshold"]) >= 0
