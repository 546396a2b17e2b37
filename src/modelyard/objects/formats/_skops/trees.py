"""Checks of decision trees: compiled code follows child and feature numbers without looking whether they exist.

A child of 1,000,000,000 reads foreign memory, a cycle never ends, a feature beyond the row does both. Each check raises
`Corrupted` naming the part. What is checked here was read in scikit-learn's sources, method by method.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from modelyard.base.errors import Corrupted
from modelyard.objects.formats._skops.arrays import Array, is_array, whole_number

TREES = frozenset(
    ["DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"]
)


def require(condition: Any, part: str, wanted: str) -> None:
    """`Corrupted` unless the condition holds."""
    if not condition:
        raise Corrupted(f"{part}: {wanted}")


def check_links(left: Array, right: Array, part: str) -> Array:
    """Children come after their parents and have one each, so that every walk ends; returns the depth of each node."""
    count = len(left)
    children, parents = np.concatenate([left, right]), np.tile(np.arange(count), 2)
    inner = children >= 0
    children, parents = children[inner], parents[inner]
    require(np.all(children < count), part, "a child is beyond the last node")
    require(np.all(children > parents), part, "a child stands before its parent, or is it")
    require(
        np.all(np.bincount(children, minlength=count)[1:] == 1), part, "a node has not one parent"
    )
    above = np.zeros(count, np.intp)
    above[children] = parents
    depth = (np.arange(count) > 0).astype(np.intp)
    while above.any():
        depth += depth[above]
        above = above[above]
    return depth


def check_tree(arguments: Any, content: Mapping[str, Any]) -> None:
    """What makes a compiled ``Tree``: its constructor's arguments and its state."""
    part = "a decision tree"
    n_features, n_classes, n_outputs = arguments
    require(
        whole_number(n_features, 1) and whole_number(n_outputs, 1),
        part,
        "features and outputs are counted",
    )
    require(
        is_array(n_classes, 1, "iu") and n_classes.shape == (n_outputs,),
        part,
        "one class count an output",
    )
    require(n_classes.min() >= 1, part, "an output has a class")
    nodes, values, count = content["nodes"], content["values"], content["node_count"]
    require(
        is_array(nodes, 1, "V") and whole_number(count, 1) and nodes.shape == (count,),
        part,
        "as many nodes as counted",
    )
    shape = (count, n_outputs, n_classes.max())
    require(is_array(values, 3, "f") and values.shape == shape, part, f"values of shape {shape}")
    left, right, feature = (
        nodes[f].astype(np.int64) for f in ("left_child", "right_child", "feature")
    )
    leaf = left == -1
    require(np.array_equal(leaf, right == -1), part, "a node has two children or none")
    require(np.all(leaf | ((left > 0) & (right > 0))), part, "a child is a node")
    require(
        np.all(leaf | ((feature >= 0) & (feature < n_features))),
        part,
        "a split is on one of its features",
    )
    depth = check_links(left, right, part)
    deepest = content["max_depth"]
    require(
        whole_number(deepest) and depth.max() <= deepest, part, "no leaf is deeper than max_depth"
    )


def check_decision_tree(obj: Any, state: Mapping[str, Any]) -> None:
    """A tree estimator: as wide as its tree."""
    if "tree_" not in state:
        return
    tree, part = state["tree_"], type(obj).__name__
    require(type(tree).__name__ == "Tree", part, "tree_ is a tree")
    require(state.get("n_features_in_") == tree.n_features, part, "as many features as its tree")
    require(state.get("n_outputs_") == tree.n_outputs, part, "as many outputs as its tree")


def _require_trees(trees: Any, n_features: Any, part: str) -> None:
    for tree in trees:
        require(
            type(tree).__name__ in TREES and "tree_" in vars(tree),
            part,
            "its members are fitted trees",
        )
        require(tree.tree_.n_features == n_features, part, "its trees have its features")


def check_forest(obj: Any, state: Mapping[str, Any]) -> None:
    """A forest hands its rows to its trees unchecked."""
    if "estimators_" in state:
        part = type(obj).__name__
        require(isinstance(state["estimators_"], list), part, "it has a list of trees")
        _require_trees(state["estimators_"], state.get("n_features_in_"), part)


def check_isolation_forest(obj: Any, state: Mapping[str, Any]) -> None:
    """As a forest, but each tree may see only some of the features."""
    if "estimators_" not in state:
        return
    width, seen = state.get("n_features_in_"), state["_max_features"]
    columns = state["estimators_features_"]
    require(
        whole_number(width, 1) and len(columns) == len(state["estimators_"]),
        "IsolationForest",
        "its features are known",
    )
    for tree, chosen in zip(state["estimators_"], columns, strict=True):
        _require_trees([tree], width if seen == width else len(chosen), "IsolationForest")


def check_gradient_boosting(obj: Any, state: Mapping[str, Any]) -> None:
    """Trees by stage and output, added into as many columns as the initial prediction has."""
    if "estimators_" not in state:
        return
    part, stages, width = type(obj).__name__, state["estimators_"], state["n_features_in_"]
    require(
        is_array(stages, 2, "O") and stages.size and whole_number(width, 1),
        part,
        "trees by stage and output",
    )
    outputs = stages.shape[1]
    require(
        state.get("n_trees_per_iteration_") == outputs, part, "as many outputs as trees in a stage"
    )
    _require_trees(stages.ravel(), width, part)
    # Added to without a look at its width; how wide it is depends on the initial estimator, which may be any.
    initial = obj._raw_predict_init(np.zeros((1, width), np.float32))
    require(initial.shape == (1, outputs), part, "an initial prediction for each output")


def check_predictor(obj: Any, state: Mapping[str, Any]) -> None:
    """One tree of a histogram boosting; its features are checked by whoever holds it."""
    part, nodes = "TreePredictor", state["nodes"]
    require(is_array(nodes, 1, "V") and len(nodes), part, "it has nodes")
    leaf = nodes["is_leaf"] != 0
    left, right = (np.where(leaf, -1, nodes[f].astype(np.int64)) for f in ("left", "right"))
    require(np.all(leaf | ((left > 0) & (right > 0))), part, "a child is a node")
    check_links(left, right, part)
    for name in ("raw_left_cat_bitsets", "binned_left_cat_bitsets"):
        bits = state[name]
        require(is_array(bits, 2, "u") and bits.shape[1] == 8, part, f"{name} has rows of 256 bits")
        split = ~leaf & (nodes["is_categorical"] != 0)
        require(
            np.all(nodes["bitset_idx"][split] < len(bits)),
            part,
            f"{name} has a row for each split by category",
        )


def check_hist_gradient_boosting(obj: Any, state: Mapping[str, Any]) -> None:
    """Predictors by iteration and output, over columns that its preprocessor may have moved."""
    if "_predictors" not in state:
        return
    part, width = type(obj).__name__, state["n_features_in_"]
    require(whole_number(width, 1), part, "its features are counted")
    categorical = state["_bin_mapper"].is_categorical_
    require(
        is_array(categorical, 1, "bui") and len(categorical) == width,
        part,
        "each feature is categorical or not",
    )
    if state.get("_preprocessor") is not None:
        _check_preprocessor(state["_preprocessor"], width, part)
    for predictor in (p for stage in state["_predictors"] for p in stage):
        require(type(predictor).__name__ == "TreePredictor", part, "its members are predictors")
        nodes = predictor.nodes[predictor.nodes["is_leaf"] == 0]
        feature = nodes["feature_idx"].astype(np.int64)
        require(
            np.all((feature >= 0) & (feature < width)), part, "a split is on one of its features"
        )
        by_category = nodes["is_categorical"] != 0
        require(
            np.all(categorical[feature[by_category]]),
            part,
            "a split by category is on a categorical feature",
        )


def _check_preprocessor(steps: Any, width: int, part: str) -> None:
    """What scikit-learn itself makes: an encoder and a check side by side, which keep the number of columns."""
    state = vars(steps)
    first, second, *others = state["transformers_"]
    kinds = [(name, type(transformer).__name__) for name, transformer, _ in (first, second)]
    own = kinds == [("encoder", "OrdinalEncoder"), ("numerical", "FunctionTransformer")]
    own = own and all(type(t) is str and t == "drop" for _, t, _ in others)
    require(type(steps).__name__ == "ColumnTransformer" and own, part, "its own preprocessor")
    unchanged = type(vars(second[1]).get("func")).__name__ == "partial"
    require(unchanged, part, "numbers pass its preprocessor unchanged")
    require(state.get("transformer_weights") is None, part, "its preprocessor has no weights")
    require(state.get("n_features_in_") == width, part, "its preprocessor has its features")
    masks = (first[2], second[2])
    require(
        all(is_array(m, 1, "b") and len(m) == width for m in masks),
        part,
        "its preprocessor takes features by a mask",
    )
    require(np.array_equal(masks[0], ~masks[1]), part, "its preprocessor takes each feature once")
    columns = state["_transformer_to_input_indices"]
    chosen = sorted([*columns["encoder"], *columns["numerical"]])
    require(chosen == list(range(width)), part, "its preprocessor takes each feature once")
