"""Files whose arrays lie: each is refused, naming the part, before compiled code could follow it anywhere."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from sklearn.cluster import HDBSCAN, BisectingKMeans, KMeans
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from cases.formats.damage import Opener, Parts, taken_apart

_random = np.random.default_rng(5)
X = _random.normal(size=(40, 3)).round(2)
Y = (X[:, 0] > 0) + 2 * (X[:, 1] > 0.3)
GROUPS = np.abs(X).round().clip(0, 2)
WORDS = ["a b c", "b c d", "d e"] * 5

MODELS: dict[str, Callable[[], Any]] = {
    "tree": lambda: DecisionTreeClassifier(random_state=0).fit(X, Y),
    "forest": lambda: RandomForestClassifier(3, random_state=0).fit(X, Y),
    "isolation": lambda: IsolationForest(n_estimators=2, max_features=2).fit(X),
    "boosting": lambda: GradientBoostingClassifier(n_estimators=2).fit(X, Y),
    "hist": lambda: HistGradientBoostingClassifier(
        max_iter=2, min_samples_leaf=2, categorical_features=[2]
    ).fit(np.column_stack([X[:, :2], GROUPS[:, 2]]), Y),
    "svc": lambda: SVC().fit(X, Y),
    "sparse svc": lambda: SVC().fit(scipy.sparse.csr_array(X), Y),
    "svr": lambda: SVR().fit(X, Y),
    "neighbours": lambda: KNeighborsClassifier(algorithm="kd_tree").fit(X, Y),
    "brute": lambda: KNeighborsClassifier(algorithm="brute").fit(X, Y),
    "kmeans": lambda: KMeans(2, n_init=1).fit(X),
    "bisecting": lambda: BisectingKMeans(3).fit(X),
    "hdbscan": lambda: HDBSCAN(min_cluster_size=4, copy=True).fit(X),
    "one hot": lambda: OneHotEncoder(min_frequency=8).fit(GROUPS),
    "one hot words": lambda: OneHotEncoder(drop="first").fit(np.array([["a"], ["b"], ["c"]])),
    "words": lambda: CountVectorizer(token_pattern=r"\w").fit(WORDS),
    "records": lambda: DictVectorizer().fit([{"a": 1.0}, {"b": 2.0}]),
    "hasher": lambda: FeatureHasher(n_features=8),
    "hashed words": lambda: HashingVectorizer(n_features=8),
    "spline": lambda: SplineTransformer(n_knots=3).fit(X),
    "sparse": lambda: SVC().fit(scipy.sparse.csr_array(X), Y),
    "ridge": lambda: Ridge().fit(X, Y),
    "random": lambda: MLPClassifier((2,), max_iter=1, random_state=np.random.RandomState(0)),
    "pipeline": lambda: Pipeline([("a", StandardScaler())]).fit(X),
}

Change = Callable[[Parts], None]


def within(cls: str, attribute: str, change: Callable[[Any], Any]) -> Change:
    """Change an attribute's array or plain value."""
    return lambda parts: parts.edit(parts.state(cls, attribute), change)


def both(*changes: Change) -> Change:
    def apply(parts: Parts) -> None:
        for change in changes:
            change(parts)

    return apply


def tree_nodes(change: Callable[[Any], Any]) -> Change:
    """Change the table of nodes of the first tree."""

    def apply(parts: Parts) -> None:
        parts.edit(next(parts.nodes("Tree"))["content"]["content"]["nodes"], change)

    return apply


def tree_part(attribute: str, change: Callable[[Any], Any]) -> Change:
    def apply(parts: Parts) -> None:
        parts.edit(next(parts.nodes("Tree"))["content"]["content"][attribute], change)

    return apply


def tree_argument(number: int, change: Callable[[Any], Any]) -> Change:
    def apply(parts: Parts) -> None:
        parts.edit(next(parts.nodes("Tree"))["__reduce__"]["args"]["content"][number], change)

    return apply


def removed(cls: str, attribute: str) -> Change:
    """Take an attribute away."""

    def apply(parts: Parts) -> None:
        for node in parts.nodes(cls):
            content = node["content"]["content"]
            if content.pop(attribute, None) is not None:
                types = [{"__loader__": "TypeNode", "__module__": "builtins", "__class__": "str"}]
                node["content"]["key_types"] = {
                    "__loader__": "ListNode",
                    "__module__": "builtins",
                    "__class__": "list",
                    "content": types * len(content),
                }

    return apply


def added(cls: str, attribute: str, value: str) -> Change:
    """Give the first object of a class another attribute, of plain JSON."""

    def apply(parts: Parts) -> None:
        node = next(parts.nodes(cls))["content"]
        plain = {"__loader__": "JsonNode", "__module__": "builtins", "__class__": "str"}
        node["content"][attribute] = plain | {"content": value}
        types = [{"__loader__": "TypeNode", "__module__": "builtins", "__class__": "str"}]
        node["key_types"] = {
            "__loader__": "ListNode",
            "__module__": "builtins",
            "__class__": "list",
            "content": types * len(node["content"]),
        }

    return apply


def put(field: str, at: int, value: Any) -> Callable[[Any], None]:
    """Set one field of one row."""

    def change(table: Any) -> None:
        table[field][at] = value

    return change


def set_to(at: Any, value: Any) -> Callable[[Any], None]:
    def change(array: Any) -> None:
        array[at] = value

    return change


def predictor(change: Callable[[Any], Any], attribute: str = "nodes") -> Change:
    return within("TreePredictor", attribute, change)


def inner(table: Any) -> int:
    """An inner node that is not the root."""
    return int(np.flatnonzero(table["left_child"] > 0)[1])


def by_category(table: Any, feature: int = 0, bitset: int = 0) -> None:
    """Make the first split one by category; the first column is the categorical one, moved there."""
    table["is_categorical"][0] = 1
    table["bitset_idx"][0] = bitset
    table["feature_idx"][0] = feature


def index(parts: Parts) -> list[Any]:
    return next(parts.nodes("KDTree"))["content"]["content"]


def spline(parts: Parts) -> list[Any]:
    return next(parts.nodes("BSpline"))["content"]["content"]


def inner_state(parts: Parts) -> dict[str, Any]:
    return next(parts.nodes("RandomState"))["content"]["content"]["state"]["content"]


def first_array(parts: Parts, attribute: str) -> dict[str, Any]:
    items = parts.state("OneHotEncoder", attribute)["content"]
    return next(item for item in items if "file" in item)


def vocabulary(cls: str, value: int) -> Change:
    def apply(parts: Parts) -> None:
        parts.edit(next(iter(parts.state(cls, "vocabulary_")["content"].values())), lambda n: value)

    return apply


DAMAGE: dict[str, tuple[str, Change, str]] = {
    # a decision tree
    "child far away": ("tree", tree_nodes(put("left_child", 0, 10**9)), "beyond the last node"),
    "right child far away": ("tree", tree_nodes(put("right_child", 0, 10**9)), "beyond the last"),
    "child just behind": ("tree", tree_nodes(lambda t: put("right_child", 0, len(t))(t)), "beyond"),
    "negative child": ("tree", tree_nodes(put("left_child", 0, -7)), "a child is a node"),
    "one child": ("tree", tree_nodes(put("left_child", 0, -1)), "two children or none"),
    "cycle": ("tree", tree_nodes(put("left_child", 0, 0)), "a child is a node"),
    "longer cycle": ("tree", tree_nodes(lambda t: put("left_child", inner(t), 1)(t)), "before its"),
    "shared child": (
        "tree",
        tree_nodes(lambda t: put("left_child", 0, t["right_child"][0])(t)),
        "has not one parent",
    ),
    "feature far away": ("tree", tree_nodes(put("feature", 0, 10**9)), "one of its features"),
    "feature one too far": ("tree", tree_nodes(put("feature", 0, 3)), "one of its features"),
    "negative feature": ("tree", tree_nodes(put("feature", 0, -2)), "one of its features"),
    "no nodes": ("tree", tree_nodes(lambda t: t[:0]), "as many nodes as counted"),
    "fewer nodes": ("tree", tree_nodes(lambda t: t[:-1]), "as many nodes as counted"),
    "nodes of numbers": ("tree", tree_nodes(lambda t: np.zeros(len(t))), "as many nodes"),
    "other fields": (
        "tree",
        tree_nodes(lambda t: t[["left_child", "right_child", "feature"]].copy()),
        "makes no object",
    ),
    "fewer values": ("tree", tree_part("values", lambda v: v[:-1]), "values of shape"),
    "values of fewer classes": ("tree", tree_part("values", lambda v: v[:, :, :1]), "values of"),
    "more nodes than there are": (
        "tree",
        tree_part("node_count", lambda n: n + 1),
        "as many nodes",
    ),
    "shallow": ("tree", tree_part("max_depth", lambda d: d - 1), "deeper than max_depth"),
    "no depth": ("tree", tree_part("max_depth", lambda d: None), "deeper than max_depth"),
    "more outputs": ("tree", tree_argument(2, lambda n: 10**6), "one class count an output"),
    "negative outputs": ("tree", tree_argument(2, lambda n: -1), "are counted"),
    "more classes": ("tree", tree_argument(1, set_to(0, 10**9)), "values of shape"),
    "no classes": ("tree", tree_argument(1, set_to(0, 0)), "an output has a class"),
    "more features": ("tree", tree_argument(0, lambda n: 10**6), "as many features as its tree"),
    "features not counted": (
        "tree",
        removed("DecisionTreeClassifier", "n_features_in_"),
        "as many",
    ),
    # who holds trees
    "narrow forest": (
        "forest",
        within("RandomForestClassifier", "n_features_in_", lambda n: 2),
        "its trees",
    ),
    "wide forest": (
        "forest",
        within("RandomForestClassifier", "n_features_in_", lambda n: 9),
        "its trees",
    ),
    "forest that counts nothing": (
        "forest",
        removed("RandomForestClassifier", "n_features_in_"),
        "its trees have its features",
    ),
    "forest that checks nothing": (
        "forest",
        added("RandomForestClassifier", "_validate_X_predict", "null"),
        "hides a method",
    ),
    "isolation of other features": (
        "isolation",
        within("IsolationForest", "_max_features", lambda n: 3),
        "its trees have its features",
    ),
    "wide boosting": (
        "boosting",
        within("GradientBoostingClassifier", "n_features_in_", lambda n: 9),
        "its trees have its features",
    ),
    "boosting of fewer outputs": (
        "boosting",
        within("GradientBoostingClassifier", "n_trees_per_iteration_", lambda n: 1),
        "as many outputs",
    ),
    "boosting from fewer classes": (
        "boosting",
        within("DummyClassifier", "class_prior_", lambda p: p[:2]),
        "an initial prediction",
    ),
    # histogram boosting
    "predictor's child": ("hist", predictor(put("left", 0, 10**9)), "beyond the last node"),
    "predictor's cycle": ("hist", predictor(put("right", 0, 0)), "a child is a node"),
    "predictor's feature": ("hist", predictor(put("feature_idx", 0, 10**9)), "one of its features"),
    "predictor's negative feature": ("hist", predictor(put("feature_idx", 0, -1)), "one of its"),
    "predictor without nodes": ("hist", predictor(lambda t: t[:0]), "it has nodes"),
    "predictor that never ends": (
        "hist",
        predictor(lambda t: put("is_leaf", slice(None), 0)(t)),
        "TreePredictor",
    ),
    "split by a category that is none": (
        "hist",
        both(
            predictor(lambda t: by_category(t, feature=1)),
            predictor(lambda b: np.zeros((1, 8), np.uint32), "raw_left_cat_bitsets"),
            predictor(lambda b: np.zeros((1, 8), np.uint32), "binned_left_cat_bitsets"),
        ),
        "categorical feature",
    ),
    "split by a bitset that is none": (
        "hist",
        predictor(lambda t: by_category(t, bitset=10**6)),
        "a row for each split",
    ),
    "narrow bitsets": (
        "hist",
        predictor(lambda b: np.zeros((9, 1), np.uint32), "raw_left_cat_bitsets"),
        "256 bits",
    ),
    "fewer kinds of features": (
        "hist",
        within("_BinMapper", "is_categorical_", lambda c: c[:1]),
        "categorical or not",
    ),
    "preprocessor that drops columns": (
        "hist",
        lambda p: p.edit(
            p.state("ColumnTransformer", "_transformer_to_input_indices")["content"]["encoder"][
                "content"
            ][0],
            lambda column: 0,
        ),
        "each feature once",
    ),
    "preprocessor that makes products": (
        "hist",
        within("ColumnTransformer", "transformer_weights", lambda w: {"encoder": 2}),
        "has no weights",
    ),
    "preprocessor of other features": (
        "hist",
        within("ColumnTransformer", "n_features_in_", lambda n: 2),
        "has its features",
    ),
    # support vectors
    "more support vectors": (
        "svc",
        within("SVC", "_n_support", set_to(0, 10**6)),
        "support vector",
    ),
    "negative support": ("svc", within("SVC", "_n_support", set_to(0, -1)), "are counted"),
    "fewer weights": (
        "svc",
        within("SVC", "dual_coef_", lambda w: w[:, :2].copy()),
        "weight for each",
    ),
    "fewer intercepts": ("svc", within("SVC", "_intercept_", lambda i: i[:1]), "an intercept"),
    "narrow vectors": (
        "svc",
        within("SVC", "support_vectors_", lambda v: v[:, :1].copy()),
        "its width",
    ),
    "fewer vectors": ("svc", within("SVC", "support_vectors_", lambda v: v[:2]), "its width"),
    "support far away": ("svc", within("SVC", "support_", set_to(0, 10**9)), "training rows"),
    "fewer indices": ("svc", within("SVC", "support_", lambda s: s[:2]), "index for each"),
    "half a probability": ("svc", within("SVC", "_probA", lambda p: np.ones(1)), "_probA"),
    "another machine": ("svr", added("SVR", "_impl", '"c_svc"'), "the kind of its class"),
    "kernel of rows": ("svc", within("SVC", "kernel", lambda k: "precomputed"), "SVC"),
    "dense as sparse": ("svc", within("SVC", "_sparse", lambda s: True), "SVC"),
    "counts of regression": (
        "svr",
        within("SVR", "_n_support", set_to(0, 10**6)),
        "support vector",
    ),
    # neighbours
    "labels of no class": (
        "brute",
        within("KNeighborsClassifier", "_y", set_to(0, 10**9)),
        "classes",
    ),
    "negative labels": ("brute", within("KNeighborsClassifier", "_y", set_to(0, -5)), "classes"),
    "fewer labels": (
        "brute",
        within("KNeighborsClassifier", "_y", lambda y: y[:3]),
        "training row",
    ),
    "narrow rows": (
        "brute",
        within("KNeighborsClassifier", "_fit_X", lambda x: x[:, :1]),
        "columns",
    ),
    "more samples": (
        "brute",
        within("KNeighborsClassifier", "n_samples_fit_", lambda n: 10**9),
        "as many samples",
    ),
    "index of other rows": (
        "neighbours",
        within("KNeighborsClassifier", "_fit_X", lambda x: x[:5]),
        "KNeighborsClassifier",
    ),
    "leaves of nothing": ("neighbours", lambda p: p.edit(index(p)[4], lambda n: 0), "leaf size"),
    "index of no rows": ("neighbours", lambda p: index(p)[0].update(index(p)[1]), "has no data"),
    # clusters
    "narrow centres": (
        "kmeans",
        within("KMeans", "cluster_centers_", lambda c: c[:, :1]),
        "its width",
    ),
    "a billion threads": ("kmeans", within("KMeans", "_n_threads", lambda n: 10**9), "threads"),
    "narrow inner centre": (
        "bisecting",
        lambda p: p.edit(p.state("_BisectingTree", "center"), lambda c: c[:1]),
        "its width",
    ),
    "merge of nothing": (
        "hdbscan",
        within("HDBSCAN", "_single_linkage_tree_", put("left_node", 0, 10**9)),
        "a merge joins clusters",
    ),
    # what becomes columns of a sparse matrix
    "categories mapped far": (
        "one hot",
        lambda p: p.edit(first_array(p, "_default_to_infrequent_mappings"), set_to(0, 10**9)),
        "a column for each category",
    ),
    "categories out of order": (
        "one hot",
        lambda p: p.edit(first_array(p, "categories_"), lambda c: c[::-1].copy()),
        "in order",
    ),
    "fewer columns": (
        "one hot words",
        lambda p: p.edit(p.state("OneHotEncoder", "_n_features_outs")["content"][0], lambda n: 1),
        "a column for each",
    ),
    "term far away": ("words", vocabulary("CountVectorizer", 10**9), "a column for each term"),
    "negative term": ("words", vocabulary("CountVectorizer", -1), "a column for each term"),
    "record far away": ("records", vocabulary("DictVectorizer", 10**9), "a column for each term"),
    "no width": (
        "hasher",
        within("FeatureHasher", "n_features", lambda n: 0),
        "number of features",
    ),
    "no width of words": (
        "hashed words",
        within("HashingVectorizer", "n_features", lambda n: 0),
        "number of features",
    ),
    # other compiled readers
    "spline of few knots": ("spline", lambda p: p.edit(spline(p)[0], lambda t: t[:2]), "makes no"),
    "spline of few weights": (
        "spline",
        lambda p: p.edit(spline(p)[1], lambda c: c[:1]),
        "makes no",
    ),
    "random state beyond its end": (
        "random",
        lambda p: p.edit(inner_state(p)["pos"], lambda n: 10**6),
        "Mersenne twister",
    ),
    # files
    "files named by data": (
        "words",
        within("CountVectorizer", "input", lambda i: "filename"),
        "input",
    ),
    "a folder of pickles": ("pipeline", within("Pipeline", "memory", lambda m: "/tmp"), "memory"),
}
"""What is wrong -> the model it is done to, how, and a part of what is said of it."""


@cache
def model(name: str) -> Any:
    return MODELS[name]()


@pytest.fixture(scope="module")
def opener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opener]:
    with Opener(tmp_path_factory.mktemp("opened")) as process:
        yield process


@pytest.mark.parametrize("name", MODELS)
def test_the_same_file_undamaged_is_loaded(name: str, opener: Opener) -> None:
    opened = opener.open(taken_apart(model(name)).packed())
    assert (opened.error, opened.message) == (None, "")
    assert opened.type == type(model(name)).__name__


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_refused_and_named(what: str, opener: Opener) -> None:
    name, change, text = DAMAGE[what]
    parts = taken_apart(model(name))
    change(parts)
    opened = opener.open(parts.packed())
    assert opened.error == "Corrupted", f"{opened.error} {opened.message}"
    assert text in opened.message
    assert opened.message.startswith("model.skops: ")


def sparse_file(**changes: Any) -> bytes:
    """An ``.npz`` of a sparse matrix, with other arrays."""
    matrix = scipy.sparse.csr_array(np.eye(4))
    arrays = {
        "indices": matrix.indices,
        "indptr": matrix.indptr,
        "format": np.array(b"csr"),
        "shape": np.array(matrix.shape),
        "data": matrix.data,
        "_is_array": np.array(True),
    }
    buffer = io.BytesIO()
    np.savez(buffer, **(arrays | changes))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"indices": np.array([0, 1, 2, 10**9])}, "makes no object"),
        ({"indices": np.array([0, 1, 2, -4])}, "makes no object"),
        ({"indptr": np.array([0, 1, 2, 3, 10**6])}, "makes no object"),
        ({"indptr": np.array([0, 3, 2, 1, 4])}, "makes no object"),
        ({"shape": np.array([4])}, "says shape"),
        ({"shape": np.array([-4, 4])}, "says shape"),
        ({"data": np.array([object()] * 4)}, "pickled objects"),
        ({"more": np.zeros(1)}, "parts that none has"),
    ],
)
def test_a_sparse_matrix_points_into_itself(
    changes: dict[str, Any], text: str, opener: Opener
) -> None:
    parts = taken_apart([scipy.sparse.csr_array(np.eye(4))])
    [name] = parts.members
    parts.members[name] = sparse_file()
    assert opener.open(parts.packed()).error is None
    parts.members[name] = sparse_file(**changes)
    opened = opener.open(parts.packed())
    assert opened.error == "Corrupted"
    assert text in opened.message


def npy(shape: str, dtype: str = "<f8", data: bytes = bytes(80)) -> bytes:
    """An array file that says what it likes."""
    header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (63 - (len(header) + 10) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (npy("(10,)")[:-1], "does not fit"),
        (npy("(1000000000000,)"), "does not fit"),
        (npy("(10, -1)"), "says shape"),
        (npy("(-1, -10)"), "says shape"),
        (npy("(0, 1000000000000)", data=b""), None),
        (npy("(1000000000000,)", dtype="|S0", data=b""), "of nothing"),
        (npy("(1,)", dtype="|O"), "pickled objects"),
        (npy("(10,)", dtype="not one"), "header is damaged"),
        (npy("__import__('os')"), "header is damaged"),
        (b"\x93NUMPY\x09\x00", "header is damaged"),
        (b"nothing of the kind", "header is damaged"),
        (b"", "header is damaged"),
    ],
)
def test_an_array_is_as_large_as_it_says(data: bytes, text: str | None, opener: Opener) -> None:
    parts = taken_apart([np.zeros(10)])
    [name] = parts.members
    parts.members[name] = data
    opened = opener.open(parts.packed())
    assert opened.error == ("Corrupted" if text else None)
    assert (text or "") in opened.message
