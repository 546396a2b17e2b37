"""The allow-list: every type and function that a skops file may name, and nothing a file says can add to it.

What is listed is data or a fitted scikit-learn estimator (`estimators`). The rules for adding a name:

* making it and calling its methods opens no file, imports nothing, starts nothing and evaluates no text;
* `__setstate__` and `__new__` were read. A compiled class that trusts raw arrays needs a check in `checks`, or is made anew
  by its constructor in `building`;
* a function computes from its arguments and has no other effect.

Never: bound methods, partials of a function of the file's choice, ``operator`` functions, anything that loads
(``numpy.load``) or names other code.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from modelyard.objects.formats._skops import estimators

Names = frozenset[str]


def names(table: Mapping[str, str]) -> Names:
    """The dotted names of a table of modules and names."""
    return frozenset(
        f"{module}.{name}" for module, names in table.items() for name in names.split()
    )


SPARSE_FORMATS = ("csr", "csc", "coo", "bsr", "dia")

SPARSE = names({f"scipy.sparse._{form}": f"{form}_matrix {form}_array" for form in SPARSE_FORMATS})

INDEX_DTYPES = ("object", "str", "int64", "float64", "bool")
"""Of a pandas index whose labels are plain values."""

SCALARS = names(
    {
        "numpy": "bool bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 intc uintc longlong ulonglong "
        "float16 float32 float64 longdouble complex64 complex128 str_ bytes_ datetime64 timedelta64"
    }
)

CONSTRUCTED = names(
    {
        "builtins": "frozenset range complex",
        "datetime": "date datetime time timedelta timezone",
        "decimal": "Decimal",
        "fractions": "Fraction",
        "pandas": "Index",
        "pandas.core.indexes.base": "Index",
        "scipy.interpolate._bsplines": "BSpline",
    }
)
"""Made by calling them with plain arguments."""

SPLINE = "scipy.interpolate._bsplines.BSpline"

_DISTANCES = (
    "Euclidean SEuclidean Manhattan Chebyshev Minkowski Mahalanobis Hamming Canberra BrayCurtis Jaccard "
    "Matching Dice Kulsinski RogersTanimoto RussellRao SokalMichener SokalSneath Haversine"
)
DISTANCES = frozenset(
    f"sklearn.metrics._dist_metrics.{name}Distance{bits}"
    for name in _DISTANCES.split()
    for bits in (32, 64)
)

INDEXES = names(
    {
        "sklearn.neighbors._kd_tree": "KDTree KDTree32 KDTree64",
        "sklearn.neighbors._ball_tree": "BallTree BallTree32 BallTree64",
    }
)

FROZEN = names({"scipy.stats._distn_infrastructure": "rv_continuous_frozen rv_discrete_frozen"})

COMPILED_LOSSES = names(
    {
        "sklearn._loss._loss": "CyAbsoluteError CyExponentialLoss CyHalfBinomialLoss CyHalfGammaLoss CyHalfMultinomialLoss "
        "CyHalfPoissonLoss CyHalfSquaredError CyHalfTweedieLoss CyHalfTweedieLossIdentity CyHuberLoss CyPinballLoss",
        "sklearn.linear_model._sgd_fast": "EpsilonInsensitive Hinge Huber Log ModifiedHuber SquaredEpsilonInsensitive "
        "SquaredHinge SquaredLoss",
    }
)

FUNCTIONS = names(
    {
        "numpy": "mean median max min amax amin sum prod std var nanmean nanmedian nanmax nanmin nansum clip",
        "scipy._lib.array_api_compat.numpy._aliases": "asarray",
        "sklearn.feature_selection._univariate_selection": "f_classif f_oneway f_regression r_regression chi2",
        "sklearn.feature_selection._mutual_info": "mutual_info_classif mutual_info_regression",
        "sklearn.cluster._kmeans": "_kmeans_single_lloyd _kmeans_single_elkan",
        "sklearn.metrics._classification": "accuracy_score balanced_accuracy_score brier_score_loss cohen_kappa_score "
        "d2_brier_score d2_log_loss_score f1_score fbeta_score hamming_loss hinge_loss jaccard_score log_loss "
        "matthews_corrcoef precision_score recall_score zero_one_loss",
        "sklearn.metrics._regression": "d2_absolute_error_score d2_pinball_score d2_tweedie_score explained_variance_score "
        "max_error mean_absolute_error mean_absolute_percentage_error mean_gamma_deviance mean_pinball_loss "
        "mean_poisson_deviance mean_squared_error mean_squared_log_error mean_tweedie_deviance median_absolute_error "
        "r2_score root_mean_squared_error root_mean_squared_log_error",
        "sklearn.metrics._ranking": "average_precision_score coverage_error dcg_score ndcg_score roc_auc_score "
        "label_ranking_average_precision_score label_ranking_loss top_k_accuracy_score",
        "sklearn.metrics._scorer": "positive_likelihood_ratio negative_likelihood_ratio",
        "sklearn.metrics.cluster._supervised": "adjusted_mutual_info_score adjusted_rand_score completeness_score "
        "fowlkes_mallows_score homogeneity_score mutual_info_score normalized_mutual_info_score rand_score v_measure_score",
        "sklearn.metrics.cluster._unsupervised": "calinski_harabasz_score davies_bouldin_score silhouette_score",
        "sklearn.metrics.pairwise": "additive_chi2_kernel chi2_kernel cosine_distances cosine_similarity euclidean_distances "
        "haversine_distances laplacian_kernel linear_kernel manhattan_distances nan_euclidean_distances "
        "polynomial_kernel rbf_kernel sigmoid_kernel",
    }
)

PARTIALS: Mapping[str, Names] = {
    "sklearn.utils.validation.check_array": frozenset(
        ["dtype", "ensure_all_finite", "force_all_finite"]
    ),
}
"""Functions that may stand in a partial -> the keywords they may be given there, and nothing else.

HistGradientBoosting keeps a partial of ``check_array`` when it has categorical features.
"""

_UFUNCS_IN = {
    "numpy": "numpy",
    "numpy._core._multiarray_umath": "numpy",
    "numpy.core._multiarray_umath": "numpy",
    "scipy.special": "scipy.special",
    "scipy.special._ufuncs": "scipy.special",
    "scipy.special._special_ufuncs": "scipy.special",
}
"""Where files say that a ufunc is -> the public module that has it."""

_BY_LOADER: Mapping[str, Names] = {
    "JsonNode": frozenset(["builtins.str"]),
    "DictNode": names(
        {"builtins": "dict", "collections": "OrderedDict Counter", "sklearn.utils._bunch": "Bunch"}
    ),
    "DefaultDictNode": frozenset(["collections.defaultdict"]),
    "ListNode": frozenset(["builtins.list"]),
    "SetNode": frozenset(["builtins.set"]),
    "TupleNode": frozenset(["builtins.tuple"]) | names(estimators.NAMED_TUPLES),
    "BytesNode": frozenset(["builtins.bytes"]),
    "BytearrayNode": frozenset(["builtins.bytearray"]),
    "SliceNode": frozenset(["builtins.slice"]),
    "TypeNode": SCALARS
    | names({"builtins": "bool int float complex str bytes object list dict tuple set"}),
    "FunctionNode": FUNCTIONS | frozenset(PARTIALS),
    "ConstructorFromReduceNode": CONSTRUCTED,
    "ObjectNode": names(estimators.ESTIMATORS)
    | names(estimators.PARTS)
    | DISTANCES
    | INDEXES
    | FROZEN
    | {SPLINE},
    "TreeNode": frozenset(["sklearn.tree._tree.Tree"]),
    "LossNode": COMPILED_LOSSES,
    "NdArrayNode": SCALARS | {"numpy.ndarray"},
    "PartialNode": frozenset(["functools.partial"]),
    "MaskedArrayNode": names({"numpy.ma": "MaskedArray", "numpy.ma.core": "MaskedArray"}),
    "DTypeNode": frozenset(["numpy.dtype"]),
    "RandomStateNode": names({"numpy.random.mtrand": "RandomState", "numpy.random": "RandomState"}),
    "RandomGeneratorNode": names({"numpy.random._generator": "Generator"}),
    "SparseMatrixNode": SPARSE,
}


def is_allowed(loader: str, name: str) -> bool:
    """Whether a node of this kind may have this dotted name.

    >>> is_allowed("ObjectNode", "sklearn.svm._classes.SVC")
    True
    >>> is_allowed("FunctionNode", "os.system")
    False
    """
    if name in _BY_LOADER.get(loader, ()):
        return True
    if loader == "FunctionNode":
        return ufunc(name) is not None
    return loader == "ObjectNode" and is_distribution(name)


def is_distribution(name: str) -> bool:
    """A scipy distribution: never made from a file, only looked up by its class name."""
    module, _, cls = name.rpartition(".")
    return (
        module in ("scipy.stats._continuous_distns", "scipy.stats._discrete_distns")
        and cls.isidentifier()
        and cls.endswith("_gen")
    )


def ufunc(name: str) -> Any | None:
    """The public numpy or scipy ufunc of that name, or None."""
    module, _, short = name.rpartition(".")
    public = _UFUNCS_IN.get(module)
    if public is None or not short.isidentifier() or short.startswith("_"):
        return None
    try:
        import numpy

        # not getattr: numpy answers for names that it does not have
        found = vars(numpy if public == "numpy" else importlib.import_module(public)).get(short)
    except ImportError:
        return None
    return found if isinstance(found, numpy.ufunc) else None


def name_of(value: Any) -> str:
    """The dotted name of a type or function, or of the type of anything else.

    >>> name_of({})
    'builtins.dict'
    """
    short = getattr(value, "__name__", None)
    if not isinstance(short, str):
        return name_of(type(value))
    if type(value).__name__ == "ufunc":  # their modules are private, or not said at all
        known = (f"{module}.{short}" for module in ("numpy", "scipy.special"))
        return next((name for name in known if ufunc(name) is value), f"numpy.ufunc {short}")
    return f"{getattr(value, '__module__', None)}.{getattr(value, '__qualname__', short)}"
