"""Checks of objects as a whole, made when their state is set and before anybody uses them.

Compiled code (libsvm, neighbour search, k-means, sparse products) reads arrays by numbers it finds in other arrays. A fitted
estimator keeps them consistent; a file need not. Checks are found by the exact name of the class, so that a class without
its check cannot slip in under a renamed base.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from modelyard.base.errors import Corrupted
from modelyard.objects.formats._skops import trees
from modelyard.objects.formats._skops.arrays import Array, is_array, whole_number
from modelyard.objects.formats._skops.trees import require

State = Mapping[str, Any]
Check = Callable[[Any, State], None]

METHOD_WORDS = frozenset(
    ["predict", "predict_proba", "predict_log_proba", "decision_function", "transform", "auto"]
)
"""What an attribute may say that names the method to call on another object."""


def check_attributes(cls: type, content: Any) -> None:
    """No attribute may hide a method (with it a check would be skipped), or reach for files."""
    part = cls.__name__
    require(
        isinstance(content, dict) and all(type(k) is str for k in content),
        part,
        "its state is a dict of attributes",
    )
    for name, value in content.items():
        if name in _RULES and not _RULES[name](value):
            raise Corrupted(f"{part}: {name}={value!r} is not allowed in a file without code")
    hidden = content.keys() & _methods(cls)
    require(not hidden, part, f"its attribute {min(hidden, default='')!r} hides a method")


@lru_cache(maxsize=1024)
def _methods(cls: type) -> frozenset[str]:
    """The methods that an instance's attribute of the same name would hide. (Properties win over attributes.)"""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        found |= vars(base)
    return frozenset(
        n
        for n, value in found.items()
        if hasattr(value, "__get__") and not hasattr(value, "__set__")
    )


def _names_methods(value: Any) -> bool:
    words = value if isinstance(value, list | tuple) else [value]
    return all(word is None or word in METHOD_WORDS for word in words)


_RULES: Mapping[str, Callable[[Any], bool]] = {
    "memory": lambda value: value is None,  # a folder of pickles
    "input": lambda value: value == "content",  # else files named by the data are opened
    "stack_method_": _names_methods,
    "chain_method_": _names_methods,
    "response_method": _names_methods,
    "_response_method": _names_methods,
}


def check(name: str, obj: Any) -> None:
    """The check for the class of that dotted name, if it has one."""
    if (found := _CHECKS.get(name)) is not None:
        found(obj, vars(obj))


def check_search(obj: Any, state: State) -> None:
    """Neighbour search: the data, its index and the labels have the same rows."""
    if "_fit_X" not in state:
        return
    part, data = type(obj).__name__, state["_fit_X"]
    require(getattr(data, "ndim", 0) == 2, part, "it has training rows")
    rows, width = data.shape
    require(state.get("n_samples_fit_") == rows, part, "as many samples as training rows")
    require(state.get("n_features_in_") == width, part, "as many features as training columns")
    method: Any = state.get("_fit_method")
    index: Any = state.get("_tree")
    require(method in ("brute", "kd_tree", "ball_tree"), part, "a way to search")
    if method != "brute":
        require(
            type(index).__name__.startswith(("KDTree", "BallTree")), part, "an index to search in"
        )
        require(
            np.asarray(index.data).shape == (rows, width), part, "an index over its training rows"
        )
    if "_y" in state:
        _check_labels(state["_y"], state.get("classes_"), rows, part)


def _check_labels(labels: Any, classes: Any, rows: int, part: str) -> None:
    require(
        isinstance(labels, np.ndarray) and len(labels) == rows,
        part,
        "a label for each training row",
    )
    if classes is None:
        return
    require(
        is_array(labels, 1, "iu") or is_array(labels, 2, "iu"),
        part,
        "labels are numbers of classes",
    )
    by_output = classes if isinstance(classes, list) else [classes]
    columns = labels.reshape(rows, -1)
    require(columns.shape[1] == len(by_output), part, "labels for each output")
    for column, known in zip(columns.T, by_output, strict=True):
        require(
            np.all((column >= 0) & (column < len(known))), part, "a label is one of its classes"
        )


def check_kernel_density(obj: Any, state: State) -> None:
    """Its index checks the rows it is asked about itself."""
    if "tree_" in state:
        kind = type(state["tree_"]).__name__
        require(kind.startswith(("KDTree", "BallTree")), "KernelDensity", "an index to search in")


def check_svm(obj: Any, state: State) -> None:
    """libsvm copies memory by these counts."""
    if "_n_support" not in state:
        return
    part, counts = type(obj).__name__, state["_n_support"]
    require(not state.keys() & {"_impl", "_sparse_kernels"}, part, "the kind of its class")
    require(
        is_array(counts, 1, "i") and counts.min(initial=0) >= 0 and len(counts) >= 2,
        part,
        "support vectors are counted",
    )
    classes = len(counts)
    pairs = classes * (classes - 1) // 2
    classifier = part in ("SVC", "NuSVC")
    if classifier:
        require(len(state["classes_"]) == classes, part, "as many classes as counts")
        require(state["class_weight_"].shape == (classes,), part, "a weight for each class")
    else:
        require(classes == 2, part, "two counts")
    require(state["_intercept_"].shape == (pairs,), part, "an intercept for each pair of classes")
    for name in ("_probA", "_probB"):
        required = (
            (pairs,) if state.get("_sparse") and state.get("_effective_probability") else (0,),
            (pairs,),
        )
        require(
            state[name].ndim == 1 and state[name].shape in required,
            part,
            f"{name} for each pair of classes",
        )
    total = int(counts.sum()) if classifier else int(counts[0])
    require(state["support_"].shape == (total,), part, "an index for each support vector")
    _check_support_vectors(state, classes, total, part)


def _check_support_vectors(state: State, classes: int, total: int, part: str) -> None:
    samples, width = state["shape_fit_"]
    support, vectors, weights = state["support_"], state["support_vectors_"], state["_dual_coef_"]
    require(state.get("n_features_in_") == width, part, "as many features as it was fitted on")
    require(not callable(state["kernel"]), part, "a kernel by name")
    require(np.all((support >= 0) & (support < samples)), part, "support vectors are training rows")
    if state["kernel"] == "precomputed":
        require(samples == width, part, "a square kernel")
        wanted = [(total, 0), (0, 0), (total, width)]
    else:
        wanted = [(total, width)]
    require(vectors.shape in wanted, part, "support vectors of its width")
    require(
        weights.shape == (classes - 1, total), part, "a weight for each support vector and class"
    )
    if state["_sparse"]:
        require(
            weights.data.shape == ((classes - 1) * total,),
            part,
            "a weight for each support vector and class",
        )
    require(state["_sparse"] == (not isinstance(vectors, np.ndarray)), part, "sparse or not")


def check_k_means(obj: Any, state: State) -> None:
    """Rows are multiplied with centres of the same width, unchecked."""
    part = type(obj).__name__
    if "cluster_centers_" in state:
        centers = state["cluster_centers_"]
        require(is_array(centers, 2, "f") and len(centers), part, "it has centres")
        require(state.get("n_features_in_") == centers.shape[1], part, "centres of its width")
    if "_n_threads" in state:
        require(
            whole_number(state["_n_threads"], 1) and state["_n_threads"] <= 1024,
            part,
            "a number of threads",
        )


def check_bisecting_k_means(obj: Any, state: State) -> None:
    """As k-means, for the centres of each split."""
    check_k_means(obj, state)
    waiting = [state["_bisecting_tree"]] if "_bisecting_tree" in state else []
    shape = (state.get("n_features_in_"),)
    while waiting:
        node = vars(waiting.pop())
        require(
            is_array(node["center"], 1, "f") and node["center"].shape == shape,
            "BisectingKMeans",
            "centres of its width",
        )
        waiting += [child for child in (node["left"], node["right"]) if child is not None]


def check_linkage(obj: Any, state: State) -> None:
    """HDBSCAN's merges: each joins two clusters that exist."""
    if "_single_linkage_tree_" not in state:
        return
    merges = state["_single_linkage_tree_"]
    require(is_array(merges, 1, "V"), "HDBSCAN", "it has merges")
    for side in ("left_node", "right_node"):
        require(
            np.all((merges[side] >= 0) & (merges[side] <= 2 * len(merges))),
            "HDBSCAN",
            "a merge joins clusters",
        )


def check_vocabulary(obj: Any, state: State) -> None:
    """Terms become columns of a sparse matrix, which nobody checks again."""
    if "vocabulary_" in state:
        columns = state["vocabulary_"].values()
        require(all(whole_number(c) for c in columns), type(obj).__name__, "a column for each term")
        require(
            sorted(columns) == list(range(len(columns))),
            type(obj).__name__,
            "a column for each term",
        )


def check_hashing(obj: Any, state: State) -> None:
    """Hashes are divided by the number of columns."""
    width: Any = state.get("n_features")
    require(whole_number(width, 1) and width < 2**31, type(obj).__name__, "a number of features")


def check_label_binarizer(obj: Any, state: State) -> None:
    """Its cache of columns is made again from its classes."""
    if state.get("_cached_dict") is not None:
        obj._cached_dict = None


def check_one_hot(obj: Any, state: State) -> None:
    """Categories become columns of a sparse matrix, through several maps."""
    if "categories_" not in state:
        return
    part, categories = "OneHotEncoder", state["categories_"]
    widths, dropped = state["_n_features_outs"], state["_drop_idx_after_grouping"]
    require(
        state.get("n_features_in_") == len(categories) == len(widths),
        part,
        "categories for each feature",
    )
    grouped = bool(state.get("_infrequent_enabled"))
    for i, known in enumerate(categories):
        require(
            isinstance(known, np.ndarray) and whole_number(widths[i]),
            part,
            "categories are an array",
        )
        _check_sorted(known, part)
        codes = np.arange(len(known))
        if grouped:
            codes = _grouped(
                codes,
                state["_infrequent_indices"][i],
                state["_default_to_infrequent_mappings"][i],
                part,
            )
        if dropped is not None:
            at = dropped[i] if dropped[i] is not None else len(known)
            codes = codes[codes != at]
            codes = np.where(codes > at, codes - 1, codes)
        require(np.all((codes >= 0) & (codes < widths[i])), part, "a column for each category")


def _check_sorted(known: Array, part: str) -> None:
    """Numbers are looked up by bisection; a missing value stands last."""
    if known.dtype.kind in "biufc" and len(known) > 1:
        ahead = known[:-1] if known[-1] != known[-1] else known
        require(np.all(ahead[:-1] < ahead[1:]), part, "numeric categories in order")


def _grouped(codes: Array, rare: Any, mapping: Any, part: str) -> Array:
    """Codes after rare categories were put together."""
    if mapping is None:
        require(rare is None, part, "rare categories are mapped")
        return codes
    require(
        is_array(mapping, 1, "iu") and len(mapping) == len(codes), part, "each category is mapped"
    )
    if rare is not None:
        require(
            is_array(rare, 1, "iu") and len(rare) and rare.max() < len(codes) and rare.min() >= 0,
            part,
            "rare categories exist",
        )
    return mapping[codes]


def _table(*rows: tuple[Check, str, str]) -> dict[str, Check]:
    return {
        f"sklearn.{module}.{name}": found for found, module, names in rows for name in names.split()
    }


_CHECKS: Mapping[str, Check] = _table(
    (trees.check_decision_tree, "tree._classes", " ".join(trees.TREES)),
    (
        trees.check_forest,
        "ensemble._forest",
        "RandomForestClassifier RandomForestRegressor ExtraTreesClassifier ExtraTreesRegressor RandomTreesEmbedding",
    ),
    (trees.check_isolation_forest, "ensemble._iforest", "IsolationForest"),
    (
        trees.check_gradient_boosting,
        "ensemble._gb",
        "GradientBoostingClassifier GradientBoostingRegressor",
    ),
    (trees.check_predictor, "ensemble._hist_gradient_boosting.predictor", "TreePredictor"),
    (
        trees.check_hist_gradient_boosting,
        "ensemble._hist_gradient_boosting.gradient_boosting",
        "HistGradientBoostingClassifier HistGradientBoostingRegressor",
    ),
    (check_search, "neighbors._classification", "KNeighborsClassifier RadiusNeighborsClassifier"),
    (check_search, "neighbors._regression", "KNeighborsRegressor RadiusNeighborsRegressor"),
    (check_search, "neighbors._graph", "KNeighborsTransformer RadiusNeighborsTransformer"),
    (check_search, "neighbors._unsupervised", "NearestNeighbors"),
    (check_search, "neighbors._lof", "LocalOutlierFactor"),
    (check_kernel_density, "neighbors._kde", "KernelDensity"),
    (check_svm, "svm._classes", "SVC NuSVC SVR NuSVR OneClassSVM"),
    (check_k_means, "cluster._kmeans", "KMeans MiniBatchKMeans"),
    (check_bisecting_k_means, "cluster._bisect_k_means", "BisectingKMeans"),
    (check_linkage, "cluster._hdbscan.hdbscan", "HDBSCAN"),
    (check_vocabulary, "feature_extraction.text", "CountVectorizer TfidfVectorizer"),
    (check_vocabulary, "feature_extraction._dict_vectorizer", "DictVectorizer"),
    (check_hashing, "feature_extraction._hash", "FeatureHasher"),
    (check_hashing, "feature_extraction.text", "HashingVectorizer"),
    (check_label_binarizer, "preprocessing._label", "MultiLabelBinarizer"),
    (check_one_hot, "preprocessing._encoders", "OneHotEncoder"),
)
"""Exact class name -> its check."""
