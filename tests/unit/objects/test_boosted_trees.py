"""Files of boosted trees that are none: refused before the library follows them, in words."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb

from cases.flavors import lightgbm as lightgbm_cases
from cases.flavors import xgboost as xgboost_cases
from modelyard.base.errors import Corrupted
from modelyard.objects.flavors import _ubj, lightgbm, xgboost
from modelyard.testing.flavors import FolderFiles

Change = Callable[[Any], None]


def read(flavor: Any, data: bytes, folder: Path) -> Any:
    (folder / "artifact").write_bytes(data)
    return flavor.NATIVE[0].load(FolderFiles(folder))


# XGBoost


@pytest.fixture(scope="module")
def model() -> Any:
    """The JSON of a small booster with categories."""
    codes = np.c_[np.arange(80) % 9, np.arange(80) / 80]
    rows = xgb.DMatrix(codes, label=codes[:, 0] % 3, feature_types=["c", "q"])
    booster = xgb.train({"max_cat_to_onehot": 1, "max_depth": 2}, rows, 2)
    return json.loads(booster.save_raw("json"))


def trees(model: Any) -> Any:
    return model["learner"]["gradient_booster"]["model"]


def of_tree(name: str, at: int, value: Any) -> Change:
    def change(model: Any) -> None:
        trees(model)["trees"][0][name][at] = value

    return change


def without(name: str) -> Change:
    return lambda model: trees(model)["trees"][0].pop(name)


BROKEN: dict[str, tuple[Change, str]] = {
    "a circle": (of_tree("left_children", 1, 1), "a node is the child of two, or of itself"),
    "back to the root": (of_tree("left_children", 1, 0), "a child of a node does not exist"),
    "a child beyond the end": (
        of_tree("left_children", 0, 10**8),
        "a child of a node does not exist",
    ),
    "a negative child": (of_tree("right_children", 0, -7), "a child of a node does not exist"),
    "another parent": (of_tree("parents", 1, 2), "a child has another parent"),
    "no such feature": (of_tree("split_indices", 0, 10**6), "features of splits go from"),
    "no such output": (
        lambda m: trees(m)["tree_info"].__setitem__(0, 7),
        "outputs of trees go from",
    ),
    "too few children": (
        lambda m: trees(m)["trees"][0]["right_children"].pop(),
        "tree 0: right_children are 4 instead of 5",
    ),
    "a tree by another number": (
        lambda m: trees(m)["trees"][0].__setitem__("id", 3),
        "tree 0 is called 3",
    ),
    "wide leaves": (
        lambda m: trees(m)["trees"][0]["tree_param"].__setitem__("size_leaf_vector", "50"),
        "tree 0: size_leaf_vector is 50",
    ),
    "rounds that fall": (
        lambda m: trees(m).__setitem__("iteration_indptr", [0, 2, 1]),
        "iteration_indptr does not rise",
    ),
    "a category too large": (of_tree("categories", 0, 1 << 30), "tree 0: categories go from"),
    "a negative category": (of_tree("categories", 0, -1), "tree 0: categories go from"),
    "categories beyond the end": (of_tree("categories_sizes", 0, 99), "categories_sizes go from"),
    "categories of no node": (of_tree("categories_nodes", 0, 99), "nodes of categories are not"),
    "no weights of nodes": (without("sum_hessian"), "it has no 'sum_hessian'"),
    "text for numbers": (of_tree("left_children", 0, "1"), "left_children are no numbers"),
    "no learner": (lambda m: m.pop("learner"), "it has no 'learner'"),
}


@pytest.mark.parametrize("word", BROKEN)
def test_trees_of_xgboost_that_are_none(word: str, model: Any, tmp_path: Path) -> None:
    change, said = BROKEN[word]
    broken = copy.deepcopy(model)
    change(broken)
    with pytest.raises(Corrupted) as caught:
        read(xgboost, json.dumps(broken).encode(), tmp_path)
    assert caught.value.message.startswith("artifact: this is no sound model of XGBoost: ")
    assert said in caught.value.message
    read(xgboost, json.dumps(model).encode(), tmp_path)  # as it was, it is sound


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is neither UBJ nor JSON"),
        (b"junk", "it is neither UBJ nor JSON"),
        (b"{i", "it ends too early"),
        (b'{"a": 1', "the JSON cannot be read"),
        (b'{"learner": {}, "learner": {}}', "the key 'learner' stands twice"),
        (b"{i\x01ai\x01i\x01ai\x01}", "the key 'a' stands twice"),
        (b"{i\x01a" + b"[" * 40, "it is nested too deeply"),
        (b"{i\x01a[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff}", "it ends too early"),
        (b"{i\x01a[$d#i\xff}", "it ends too early"),
        (b"{i\x01ai\x01}x", "1 bytes too many"),
    ],
)
def test_bytes_that_are_no_model_of_xgboost(data: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(Corrupted) as caught:
        read(xgboost, data, tmp_path)
    assert said in caught.value.message


def test_what_we_read_is_what_xgboost_wrote() -> None:
    for example in xgboost_cases.models().values():
        made = example.make()
        booster = made if isinstance(made, xgb.Booster) else made.get_booster()
        binary = _ubj.loads(bytes(booster.save_raw("ubj")))
        text = json.loads(booster.save_raw("json"))
        assert same(binary, text)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, np.ndarray):
        return np.allclose(a, b, rtol=1e-6, atol=1e-40, equal_nan=True)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return np.float32(a) == np.float32(b) if isinstance(a, float) else a == b


# LightGBM


def line(name: str, value: str) -> Callable[[str], str]:
    """Another value for the first line of that name in the text."""

    def change(text: str) -> str:
        before, _, rest = text.partition(f"\n{name}=")
        old, end, after = rest.partition("\n")
        found = f"{before}\n{name}={value}{end}{after}"
        # The sizes stay right, so that what is wrong is the line itself.
        sizes = found.partition("tree_sizes=")[2].partition("\n")[0].split()
        first = str(int(sizes[0]) + (len(value) - len(old)) * (name not in HEAD))
        return found.replace(f"tree_sizes={sizes[0]} ", f"tree_sizes={first} ")

    return change


HEAD = ("tree_sizes", "max_feature_idx", "objective", "num_class", "num_tree_per_iteration")

TEXTS: dict[str, tuple[Callable[[str], str], str]] = {
    "a circle": (line("left_child", "0 -1"), "the first node is the child of another"),
    "a child beyond the end": (line("left_child", "99 -1"), "children of nodes go from"),
    "no such feature": (line("split_feature", "0 77"), "features of splits go from"),
    "too few leaves": (line("leaf_value", "1 2"), "leaf_value are 2 instead of 3"),
    "a word for a number": (line("leaf_value", "1 2 x"), "a line of it is no name with numbers"),
    "no such category": (line("decision_type", "3 3"), "thresholds are no whole numbers"),
    "other sizes": (line("tree_sizes", "3 4"), "tree_sizes are not those of the trees"),
    "other features": (line("max_feature_idx", "9"), "feature_names are 3 instead of 10"),
    "more outputs": (line("num_tree_per_iteration", "5"), "2 trees for 5 outputs"),
    "more classes": (line("objective", "multiclass num_class:99"), "its objective has 99 classes"),
    "a zero byte": (lambda t: t.replace("tree", "tr\0ee", 1), "there are control characters in it"),
    "a parameter without a value": (
        lambda t: t.replace("[seed: 0]", "[seed 0]"),
        "its parameters are not listed as [name: value]",
    ),
    "no trees": (lambda t: "tree\nversion=v4\n", "it has no trees, or no end of them"),
    "nothing": (lambda t: "", "it does not begin with the word tree"),
}


@pytest.fixture(scope="module")
def text() -> str:
    import lightgbm as lgb

    rows = np.c_[np.arange(60) % 7, np.arange(60), np.ones(60)]
    params = {**lightgbm_cases.PARAMS, "num_leaves": 3}
    return lgb.train(params, lgb.Dataset(rows, label=rows[:, 0]), 2).model_to_string()


@pytest.mark.parametrize("word", TEXTS)
def test_trees_of_lightgbm_that_are_none(word: str, text: str, tmp_path: Path) -> None:
    change, said = TEXTS[word]
    with pytest.raises(Corrupted) as caught:
        read(lightgbm, change(text).encode(), tmp_path)
    assert caught.value.message.startswith("artifact: this is no sound model of LightGBM: ")
    assert said in caught.value.message
    read(lightgbm, text.encode(), tmp_path)  # as it was, it is sound
