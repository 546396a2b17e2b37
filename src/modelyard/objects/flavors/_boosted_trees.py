"""Whether boosted trees are trees: looked at before a library follows them.

A file of data runs no code, but libraries follow the numbers in it unseen. A child beyond the end reads memory that is not
the model's, a child that is its own ancestor never ends, and a feature that does not exist ends the process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

_MOST_CATEGORIES = 1 << 24
_ROOTS = (-1, (1 << 31) - 1)
"""What XGBoost writes as the parent of a root."""


class NoTrees(ValueError):
    """What is wrong with them."""


def require(holds: Any, what: str) -> None:
    """`NoTrees` unless something holds."""
    if not holds:
        raise NoTrees(what)


def whole(value: Any, what: str) -> int:
    """A whole number, also one in text."""
    try:
        return int(value)
    except (TypeError, ValueError):
        raise NoTrees(f"{what} is {str(value)[:40]!r}, no whole number") from None


def below(numbers: Any, limit: int, what: str, least: int = 0) -> None:
    """`NoTrees` unless all numbers are whole, at least ``least`` and less than ``limit``."""
    require(numbers.dtype.kind in "iu", f"{what} are no whole numbers")
    if len(numbers):
        lowest, highest = int(numbers.min()), int(numbers.max())
        require(least <= lowest and highest < limit, f"{what} go from {lowest} to {highest}")


def array(value: Any, length: int | None, what: str) -> Any:
    """The numbers of a list or array, of this length."""
    import numpy as np

    found = value if isinstance(value, np.ndarray) else np.array(value)
    require(found.ndim == 1 and found.dtype.kind in "iufb", f"{what} are no numbers")
    require(length in (None, len(found)), f"{what} are {len(found)} instead of {length}")
    return found if len(found) else found.astype(np.int64)


def check_xgboost(model: Any) -> None:
    """`NoTrees` for what XGBoost would follow to where nothing is; ``model`` is its JSON."""
    try:
        learner = model["learner"]
        booster, given = learner["gradient_booster"], learner["learner_model_param"]
        features = whole(given["num_feature"], "num_feature")
        groups = max(1, *(whole(given.get(n, 0), n) for n in ("num_class", "num_target")))
        require(0 <= features < 1 << 31, f"num_feature is {features}")
        if booster["name"] == "gblinear":
            array(booster["model"]["weights"], (features + 1) * groups, "weights")
            return
        trees = (booster["gbtree"] if booster["name"] == "dart" else booster)["model"]
        if booster["name"] == "dart":
            array(booster["weight_drop"], len(trees["trees"]), "weight_drop")
        _check_forest(trees, features, groups)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise NoTrees(
            f"it has no {error}" if isinstance(error, KeyError) else str(error)
        ) from error


def _check_forest(model: Mapping[str, Any], features: int, groups: int) -> None:
    trees = model["trees"]
    below(array(model["tree_info"], len(trees), "tree_info"), groups, "outputs of trees")
    if (starts := model.get("iteration_indptr")) is not None and len(starts):
        starts = [whole(n, "iteration_indptr") for n in starts]
        require(
            starts[0] == 0
            and starts[-1] <= len(trees)
            and all(a <= b for a, b in pairwise(starts)),
            "iteration_indptr does not rise from 0 to the number of trees",
        )
    if not trees:
        return
    counts = [_nodes(tree, number) for number, tree in enumerate(trees)]
    left, right, parents, splits = (
        _joined(trees, counts, name)
        for name in ("left_children", "right_children", "parents", "split_indices")
    )
    for name in ("split_conditions", "default_left", "loss_changes", "sum_hessian"):
        _joined(trees, counts, name)
    _check_nodes(left, right, parents, splits, counts, features)
    for number, (tree, count) in enumerate(zip(trees, counts, strict=True)):
        try:
            _check_leaves(tree, count, groups)
            _check_categories(tree, count)
        except (NoTrees, KeyError) as error:
            raise NoTrees(f"tree {number}: {error}") from error


def _nodes(tree: Mapping[str, Any], number: int) -> int:
    count = whole(tree["tree_param"]["num_nodes"], "num_nodes")
    require(count > 0, f"tree {number} has no node")
    require(
        whole(tree.get("id", number), "id") == number, f"tree {number} is called {tree.get('id')!r}"
    )
    return count


def _joined(trees: Any, counts: Sequence[int], name: str) -> Any:
    """One value a node, of all trees one after the other."""
    import numpy as np

    parts = [
        array(tree[name], count, f"tree {number}: {name}")
        for number, (tree, count) in enumerate(zip(trees, counts, strict=True))
    ]
    return np.concatenate(parts)


def _check_nodes(
    left: Any, right: Any, parents: Any, splits: Any, counts: Sequence[int], features: int
) -> None:
    """Of all trees at once: thousands of small ones would take long one by one."""
    import numpy as np

    sizes = np.repeat(counts, counts)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    inner = np.flatnonzero(left != -1)
    children = np.concatenate([left[inner], right[inner]]).astype(np.int64)
    require(
        left.dtype.kind == right.dtype.kind == parents.dtype.kind == "i", "nodes are no integers"
    )
    ends, begins = np.tile(sizes[inner], 2), np.tile(starts[inner], 2)
    require(((children > 0) & (children < ends)).all(), "a child of a node does not exist")
    require(
        len(np.unique(children + begins)) == len(children),
        "a node is the child of two, or of itself",
    )
    own = np.tile(inner, 2) - begins
    require((parents[children + begins] == own).all(), "a child has another parent")
    known = ~np.isin(parents, _ROOTS)
    require(
        ((parents[known] >= 0) & (parents[known] < sizes[known])).all(), "a parent does not exist"
    )
    below(splits[inner], features, "features of splits")


def _check_leaves(tree: Mapping[str, Any], count: int, groups: int) -> None:
    size = whole(tree["tree_param"].get("size_leaf_vector", 0), "size_leaf_vector")
    require(size in (0, 1, groups), f"size_leaf_vector is {size}")
    array(tree["base_weights"], count * max(1, size), "base_weights")
    if size > 1:
        weights = array(tree["leaf_weights"], None, "leaf_weights")
        left, right = (array(tree[f"{side}_children"], count, side) for side in ("left", "right"))
        below(right[left == -1], len(weights) // size, "leaves")


def _check_categories(tree: Mapping[str, Any], count: int) -> None:
    import numpy as np

    if not tree.keys() & {"split_type", "categories"}:  # before version 1.3
        return
    kinds = array(tree["split_type"], count, "split_type")
    nodes = array(tree["categories_nodes"], None, "categories_nodes")
    require(
        np.array_equal(np.flatnonzero(kinds), nodes),
        "nodes of categories are not as split_type says",
    )
    words = array(tree["categories"], None, "categories")
    below(words, _MOST_CATEGORIES, "categories")
    starts, sizes = (
        array(tree[name], len(nodes), name).astype(np.int64)
        for name in ("categories_segments", "categories_sizes")
    )
    below(starts, len(words) + 1, "categories_segments")
    below(sizes, len(words) + 1, "categories_sizes", 1)
    below(starts + sizes, len(words) + 1, "categories_segments")
