"""scikit-learn: its tree ensembles as they are, alone or behind steps that convert; all else by skl2onnx."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from modelyard.base.errors import UnsupportedType
from modelyard.objects.engines._onnx import adapting, trees
from modelyard.objects.engines._onnx.hints import parts_of
from modelyard.objects.engines._onnx.trees import Ensemble, Tree
from modelyard.objects.flavors.sklearn import last_step
from modelyard.objects.formats._onnx import sklearn as converter
from modelyard.objects.formats._onnx.inputs import Layout


def candidates(model: Any, value: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Exact ones first."""
    model = getattr(model, "best_estimator_", model)
    last = last_step(model)
    read = reader_of(last)
    if read is not None:
        if last is model:
            yield "by its trees", lambda: trees.graph_of(read(model), model.n_features_in_)
        else:
            yield from _behind_steps(model, value, read)
    yield from _converted(model, value)
    if hasattr(model, "decision_function"):
        yield from _converted(model, value, {"raw_scores": True})


def _behind_steps(
    model: Any, value: Any, read: Callable[[Any], Ensemble]
) -> Iterator[tuple[str, Callable[[], Any]]]:
    from sklearn.pipeline import Pipeline

    steps, last = Pipeline(model.steps[:-1]), model.steps[-1][1]
    for word, make in _converted(steps, value):
        yield f"{word}, by its trees", lambda make=make: trees.after(make(), read(last))


def _converted(
    model: Any, value: Any, wanted: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """By skl2onnx: of a table with texts first with all numbers in float64, as the library joins them."""
    wide = [] if (layout := _wide(value)) is None else converter.attempts(model, value, wanted, [layout])  # fmt: skip
    means = np.concatenate([[], *(m for p in parts_of(model) if (m := getattr(p, "statistics_", None)) is not None and m.dtype.kind == "f")])  # fmt: skip
    for word, make in (*wide, *converter.attempts(model, value, wanted)):
        yield word, lambda make=make: adapting.widened(make(), means)


def _wide(value: Any) -> Layout | None:
    if not hasattr(value, "columns") or not hasattr(value, "dtypes"):
        return None
    kinds = {str(name): value[name].dtype.kind for name in value.columns}
    if all(kind in "iuf" for kind in kinds.values()):
        return None
    ports = [(n, "float64" if k in "iuf" else "bool" if k == "b" else "str", 1) for n, k in kinds.items()]  # fmt: skip
    return Layout("by columns in float64", tuple(ports))


def reader_of(model: Any) -> Callable[[Any], Ensemble] | None:
    """What reads the trees of a model of exactly such a class."""
    if not type(model).__module__.startswith("sklearn."):
        return None
    name = type(model).__name__
    if name in ("DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"):  # fmt: skip
        return lambda model: _forest(model, [model])
    if name.startswith(("RandomForest", "ExtraTrees")):
        return lambda model: _forest(model, model.estimators_)
    if name.startswith("HistGradientBoosting"):
        return _histogram_boosting
    if name.startswith("GradientBoosting"):
        return _gradient_boosting
    return None


def _forest(model: Any, members: Any) -> Ensemble:
    """The mean of what trees say: values, or the shares of classes."""
    if model.n_outputs_ > 1 and hasattr(model, "classes_"):
        raise UnsupportedType("it tells classes of several kinds at once")
    found = [_tree(member.tree_) for member in members]
    classes = getattr(model, "classes_", None)
    return Ensemble(found, True, divisor=len(found), link="votes", classes=classes)


def _tree(tree: Any) -> Tree:
    nodes = tree.__getstate__()["nodes"]
    values = tree.value[:, 0, :] if tree.n_outputs == 1 else tree.value[:, :, 0]
    missing = nodes["missing_go_to_left"]
    return Tree(
        tree.feature, tree.threshold, tree.children_left, tree.children_right, missing, values
    )


def _gradient_boosting(model: Any) -> Ensemble:
    """An initial value, and trees that correct it."""
    if model.init_ != "zero" and not type(model.init_).__module__.startswith("sklearn.dummy"):
        raise UnsupportedType("it starts from another model")
    if getattr(model, "classes_", None) is not None and model.loss != "log_loss":
        raise UnsupportedType(f"its loss is {model.loss}")
    row = np.zeros((1, model.n_features_in_), np.float32)
    base = model._raw_predict_init(row)[0]
    found = [_scaled(tree.tree_, model.learning_rate) for tree in model.estimators_.ravel()]
    return _boosting(found, True, len(base), base, getattr(model, "classes_", None), "GreaterOrEqual")  # fmt: skip


def _scaled(tree: Any, rate: float) -> Tree:
    found = _tree(tree)
    return Tree(found.feature, found.threshold, found.left, found.right, found.missing_left, found.values * rate)  # fmt: skip


def _histogram_boosting(model: Any) -> Ensemble:
    if getattr(model, "is_categorical_", None) is not None and np.any(model.is_categorical_):
        raise UnsupportedType("it tells categories itself")
    base = np.ravel(model._baseline_prediction)
    found = [_predictor(p.nodes) for iteration in model._predictors for p in iteration]
    classes = getattr(model, "classes_", None)
    link = "" if classes is not None or model.loss in ("squared_error", "absolute_error", "quantile") else "exp"  # fmt: skip
    return _boosting(found, False, len(base), base, classes, "Greater", link)


def _predictor(nodes: Any) -> Tree:
    leaf = nodes["is_leaf"].astype(bool)
    left = np.where(leaf, -1, nodes["left"].astype(np.int64))
    right = np.where(leaf, -1, nodes["right"].astype(np.int64))
    missing, values = nodes["missing_go_to_left"], nodes["value"].reshape(-1, 1)
    return Tree(nodes["feature_idx"], nodes["num_threshold"], left, right, missing, values)


def _boosting(
    found: list[Tree], narrow: bool, groups: int, base: Any, classes: Any, second: str, link: str = ""
) -> Ensemble:  # fmt: skip
    if classes is not None:
        link = "softmax" if groups > 1 else "logistic"
    return Ensemble(found, narrow, groups, base, link=link, classes=classes, second=second)
