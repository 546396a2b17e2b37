"""Whether a text of LightGBM holds trees: looked at before the library follows them (see `_boosted_trees`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from modelyard.objects.flavors._boosted_trees import NoTrees, array, below, require, whole

_OF_NODES = ("split_gain", "internal_value", "internal_weight", "internal_count")
_OF_LEAVES = ("leaf_weight", "leaf_count")

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?|nan|inf)"
_TREE = re.compile(rf"Tree=[0-9]+\n(?:[a-z_]+= *+(?:{_NUMBER}(?: ++|(?=\n)))*+\n)++\n*+")
_SETTINGS = re.compile(r"\n*parameters:\n((?:\[[a-z0-9_]+: [^\n]*\]\n)*)\n?end of parameters\n")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")


def check_lightgbm(text: str) -> None:
    """`NoTrees` for what LightGBM would follow to where nothing is, or end the process over: it reads trees in
    threads, where its own errors reach nobody."""
    require(_CONTROL.search(text) is None, "there are control characters in it")
    whole_trees, end, rest = text.partition("\nend of trees\n")
    head, *parts = re.split(r"^Tree=", whole_trees + "\n", flags=re.MULTILINE)
    given = _fields(head, "the head")
    require(head.startswith("tree\n"), "it does not begin with the word tree")
    require(parts and end, "it has no trees, or no end of them")
    features = _check_head(given, len(parts))
    _check_settings(rest)
    _check_sizes(given, parts)
    for number, part in enumerate(parts):
        try:
            require(_TREE.fullmatch(f"Tree={part}"), "a line of it is no name with numbers")
            _check_tree(_fields(f"Tree={part}", f"tree {number}"), number, features)
        except (NoTrees, KeyError) as error:
            raise NoTrees(f"tree {number}: {error}") from error


def _check_head(given: Mapping[str, str], trees: int) -> int:
    """The number of features."""
    require("max_feature_idx" in given, "it has no max_feature_idx")
    features = whole(given["max_feature_idx"], "max_feature_idx") + 1
    outputs = whole(given.get("num_tree_per_iteration", 1), "num_tree_per_iteration")
    classes = whole(given.get("num_class", 1), "num_class")
    require(0 < outputs <= trees and trees % outputs == 0, f"{trees} trees for {outputs} outputs")
    require(classes in (1, outputs), f"num_class is {classes}, of {outputs} outputs")
    for said in re.findall(r"num_class:(\S*)", given.get("objective", "")):
        require(
            said == str(outputs), f"its objective has {said[:20]} classes, of {outputs} outputs"
        )
    for name in ("feature_names", "feature_infos"):
        count = len(given.get(name, "").split(" "))
        require(count == features, f"{name} are {count} instead of {features}")
    return features


def _check_settings(rest: str) -> None:
    """The parameters of its training, which the library takes apart at the colon without a look."""
    if "\nparameters:" in rest or "\n[" in rest:
        found = _SETTINGS.search(rest)
        require(
            found and rest.count("\n[") == found[1].count("\n"),
            "its parameters are not listed as [name: value]",
        )


def _fields(part: str, what: str) -> dict[str, str]:
    """Its lines ``name=value``; a name that stands twice would mean to others what it does not mean here."""
    found: dict[str, str] = {}
    for line in part.split("\n"):
        name, _, value = line.partition("=")
        require(name not in found or not name, f"{what}: {name[:40]!r} stands twice")
        found[name] = value
    return found


def _check_sizes(given: Mapping[str, str], parts: list[str]) -> None:
    """The library jumps from tree to tree by these."""
    if "tree_sizes" in given:
        sizes = _numbers(given["tree_sizes"], "tree_sizes").tolist()
        found = [len(f"Tree={part}".encode()) for part in parts]
        # The last one ends before the line that follows the trees.
        require(sizes[:-1] == found[:-1], "tree_sizes are not those of the trees")
        require(sizes[-1] in (found[-1], found[-1] + 1), "tree_sizes are not those of the trees")


def _check_tree(tree: Mapping[str, str], number: int, features: int) -> None:
    import numpy as np

    require(whole(tree["Tree"], "Tree") == number, f"it is called {tree['Tree'][:20]!r}")
    leaves = whole(tree["num_leaves"], "num_leaves")
    require(leaves > 0, f"num_leaves is {leaves}")
    _check_counts(tree, leaves)
    _check_linear(tree, leaves, features)
    if leaves == 1:
        return
    left, right, splits, kinds = (
        _numbers(tree[name], name)
        for name in ("left_child", "right_child", "split_feature", "decision_type")
    )
    children = np.concatenate([left, right])
    below(children, leaves - 1, "children of nodes", -leaves)
    require(len(np.unique(children)) == len(children), "a node is the child of two")
    require(children.all(), "the first node is the child of another")
    below(splits, features, "features of splits")
    below(kinds, 128, "decision_type", -128)
    _check_categories(tree, (kinds & 1) == 1)


def _check_counts(tree: Mapping[str, str], leaves: int) -> None:
    """As many values as there are leaves, or inner nodes. What is not followed is counted and no more."""
    inner = ("left_child", "right_child", "split_feature", "decision_type", "threshold")
    for name in (*inner, *_OF_NODES, "leaf_value", *_OF_LEAVES):
        if name in tree or (name == "leaf_value" or (name in inner and leaves > 1)):
            wanted = leaves if name.startswith("leaf") else leaves - 1
            found = len(tree[name].split())
            optional = leaves == 1 and name != "leaf_value"
            require(
                found == wanted or (optional and not found),
                f"{name} are {found} instead of {wanted}",
            )


def _check_categories(tree: Mapping[str, str], chosen: Any) -> None:
    import numpy as np

    count = whole(tree["num_cat"], "num_cat")
    require(count >= 0, f"num_cat is {count}")
    if chosen.any():
        words = np.array(tree["threshold"].split())[chosen]
        below(_numbers(" ".join(words), "thresholds"), count, "thresholds of categories")
    if count:
        bounds = _numbers(tree["cat_boundaries"], "cat_boundaries")
        require(len(bounds) == count + 1, "cat_boundaries are not one more than num_cat")
        words = _numbers(tree["cat_threshold"], "cat_threshold")
        require(
            bounds[0] == 0 and bounds[-1] == len(words), "cat_boundaries do not fit cat_threshold"
        )
        require((np.diff(bounds) >= 0).all(), "cat_boundaries fall")


def _check_linear(tree: Mapping[str, str], leaves: int, features: int) -> None:
    if whole(tree.get("is_linear", 0), "is_linear") == 0:
        return
    counts, used = (_numbers(tree[name], name) for name in ("num_features", "leaf_features"))
    below(array(counts, leaves, "num_features"), features + 1, "num_features")
    array(used, int(counts.sum()), "leaf_features")
    below(used, features, "leaf_features")
    for name, wanted in (("leaf_const", leaves), ("leaf_coeff", len(used))):
        found = len(tree[name].split())
        require(found == wanted, f"{name} are {found} instead of {wanted}")


def _numbers(text: str, what: str) -> Any:
    """The whole numbers of a line."""
    import numpy as np

    try:
        return np.array(list(map(int, text.split())), dtype=np.int64)
    except (ValueError, OverflowError):
        raise NoTrees(f"{what} are no whole numbers") from None
