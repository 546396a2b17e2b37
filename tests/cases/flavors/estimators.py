"""Every estimator of scikit-learn, fitted on little data: what tier 1 promises is shown on all of them.

Each is fitted once a session. Settings here make it fast, or give what a constructor asks for.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators
from threadpoolctl import threadpool_limits

ROWS, COLUMNS = 30, 4

_random = np.random.default_rng(7)
X = np.round(_random.gamma(2, size=(ROWS, COLUMNS)), 3)
CLASSES = np.repeat(["no", "perhaps", "yes"], ROWS // 3)
NUMBERS = X @ [1.0, -2.0, 0.5, 0.0] + 5 + _random.normal(size=ROWS) / 9
X[CLASSES == "yes", 0] += 3
TEXTS = [f"{word} and {other}" for word in ("red", "green", "blue") for other in "abcdefghij"]
RECORDS = [{"word": text.split()[0], "size": float(i)} for i, text in enumerate(TEXTS)]

CODE_BEARING: Mapping[str, str] = {
    "Birch": "its tree of clusters is linked in circles, which the format cannot hold",
}
"""Estimators that cannot be tier 1, with the reason."""

_CLASSIFIER = {"estimator": LogisticRegression()}
_REGRESSOR = {"estimator": Ridge()}
_TWO = {"transformers": [("a", MinMaxScaler(), [0, 1])], "remainder": "passthrough"}

SETTINGS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "AdaBoostClassifier": lambda: {"n_estimators": 3},
    "AdaBoostRegressor": lambda: {"n_estimators": 3},
    "BaggingClassifier": lambda: {"n_estimators": 3},
    "BaggingRegressor": lambda: {"n_estimators": 3},
    "BernoulliRBM": lambda: {"n_components": 3, "n_iter": 2},
    "BisectingKMeans": lambda: {"n_clusters": 4, "n_init": 1},
    "CalibratedClassifierCV": lambda: {**_CLASSIFIER, "cv": 2},
    "CCA": lambda: {"n_components": 1},
    "ClassifierChain": lambda: _CLASSIFIER,
    "ColumnTransformer": lambda: _TWO,
    "DictionaryLearning": lambda: {"n_components": 2, "max_iter": 3},
    "DummyClassifier": lambda: {"strategy": "prior"},
    "ElasticNetCV": lambda: {"cv": 2, "alphas": 3},
    "ExtraTreesClassifier": lambda: {"n_estimators": 3},
    "ExtraTreesRegressor": lambda: {"n_estimators": 3},
    "FeatureHasher": lambda: {"n_features": 32},
    "HashingVectorizer": lambda: {"n_features": 32},
    "FeatureUnion": lambda: {"transformer_list": [("a", MinMaxScaler())]},
    "FixedThresholdClassifier": lambda: _CLASSIFIER,
    "FrozenEstimator": lambda: {"estimator": LogisticRegression().fit(X, CLASSES)},
    "GradientBoostingClassifier": lambda: {"n_estimators": 3},
    "GradientBoostingRegressor": lambda: {"n_estimators": 3},
    "GraphicalLassoCV": lambda: {"cv": 2, "n_refinements": 1, "alphas": 2},
    "GridSearchCV": lambda: {"estimator": SVC(), "param_grid": {"C": [1, 2]}, "cv": 2},
    "HalvingGridSearchCV": lambda: {**_REGRESSOR, "param_grid": {"alpha": [1, 2]}, "cv": 2},
    "HalvingRandomSearchCV": lambda: {
        **_REGRESSOR,
        "param_distributions": {"alpha": [1, 2]},
        "cv": 2,
    },
    "HistGradientBoostingClassifier": lambda: {"max_iter": 3, "min_samples_leaf": 3},
    "HistGradientBoostingRegressor": lambda: {"max_iter": 3, "min_samples_leaf": 3},
    "IsolationForest": lambda: {"n_estimators": 3},
    "IterativeImputer": lambda: {"max_iter": 2},
    "LarsCV": lambda: {"cv": 2},
    "LassoCV": lambda: {"cv": 2, "alphas": 3},
    "LassoLarsCV": lambda: {"cv": 2},
    "LatentDirichletAllocation": lambda: {"max_iter": 2},
    "LogisticRegressionCV": lambda: {
        "cv": 2,
        "Cs": 2,
        "l1_ratios": (0,),
        "use_legacy_attributes": False,
    },
    "MDS": lambda: {"n_init": 1, "max_iter": 3, "init": "random"},
    "MiniBatchDictionaryLearning": lambda: {"n_components": 2, "max_iter": 2},
    "MiniBatchKMeans": lambda: {"n_clusters": 2, "n_init": 1},
    "MiniBatchSparsePCA": lambda: {"n_components": 2, "max_iter": 2},
    "MLPClassifier": lambda: {"max_iter": 3, "hidden_layer_sizes": (4,)},
    "MLPRegressor": lambda: {"max_iter": 3, "hidden_layer_sizes": (4,)},
    "MultiOutputClassifier": lambda: _CLASSIFIER,
    "MultiOutputRegressor": lambda: _REGRESSOR,
    "MultiTaskElasticNetCV": lambda: {"cv": 2, "alphas": 3},
    "MultiTaskLassoCV": lambda: {"cv": 2, "alphas": 3},
    "OneVsOneClassifier": lambda: _CLASSIFIER,
    "OneVsRestClassifier": lambda: _CLASSIFIER,
    "OrthogonalMatchingPursuitCV": lambda: {"cv": 2},
    "OutputCodeClassifier": lambda: _CLASSIFIER,
    "PatchExtractor": lambda: {"patch_size": (1, 1)},
    "Pipeline": lambda: {"steps": [("scale", MinMaxScaler()), ("model", LogisticRegression())]},
    "PLSCanonical": lambda: {"n_components": 1},
    "PLSRegression": lambda: {"n_components": 1},
    "PLSSVD": lambda: {"n_components": 1},
    "QuantileTransformer": lambda: {"n_quantiles": 9},
    "RandomForestClassifier": lambda: {"n_estimators": 3},
    "RandomForestRegressor": lambda: {"n_estimators": 3},
    "RandomizedSearchCV": lambda: {
        "estimator": SVC(),
        "param_distributions": {"C": [1, 2]},
        "n_iter": 2,
        "cv": 2,
    },
    "RandomTreesEmbedding": lambda: {"n_estimators": 3},
    "RANSACRegressor": lambda: {"min_samples": 9},
    "RegressorChain": lambda: _REGRESSOR,
    "RFE": lambda: {"estimator": DecisionTreeClassifier()},
    "RFECV": lambda: {"estimator": DecisionTreeClassifier(), "cv": 2},
    "SelectFromModel": lambda: {"estimator": DecisionTreeClassifier()},
    "SelfTrainingClassifier": lambda: _CLASSIFIER,
    "SequentialFeatureSelector": lambda: {"estimator": DecisionTreeClassifier(), "cv": 2},
    "SparseCoder": lambda: {"dictionary": np.eye(COLUMNS)},
    "SparsePCA": lambda: {"n_components": 2, "max_iter": 3},
    "SparseRandomProjection": lambda: {"n_components": 3},
    "GaussianRandomProjection": lambda: {"n_components": 3},
    "StackingClassifier": lambda: {"estimators": [("a", LogisticRegression())], "cv": 2},
    "StackingRegressor": lambda: {"estimators": [("a", Ridge())], "cv": 2},
    "TheilSenRegressor": lambda: {"max_subpopulation": 20},
    "TSNE": lambda: {"perplexity": 3, "max_iter": 250, "method": "exact"},
    "TunedThresholdClassifierCV": lambda: {**_CLASSIFIER, "cv": 2, "thresholds": 3},
    "VotingClassifier": lambda: {"estimators": [("a", LogisticRegression())]},
    "VotingRegressor": lambda: {"estimators": [("a", Ridge())]},
}
"""Name -> arguments of its constructor, where the defaults are slow or missing."""

_BINARY = (CLASSES == "yes").astype(int)
_SEVERAL = np.column_stack([_BINARY, 1 - _BINARY])
_INPUTS: Mapping[str, tuple[Any, Any]] = {
    "CountVectorizer": (TEXTS, None),
    "TfidfVectorizer": (TEXTS, None),
    "HashingVectorizer": (TEXTS, None),
    "DictVectorizer": (RECORDS, None),
    "FeatureHasher": (RECORDS, None),
    "LabelBinarizer": (CLASSES, None),
    "LabelEncoder": (CLASSES, None),
    "MultiLabelBinarizer": ([(a,) for a in CLASSES], None),
    "IsotonicRegression": (X[:, 0], NUMBERS),
    "PatchExtractor": (X.reshape(3, 10, COLUMNS), None),
    "ClassifierChain": (X, _SEVERAL),
    "MultiOutputClassifier": (X, _SEVERAL),
    "FixedThresholdClassifier": (X, _BINARY),
    "TunedThresholdClassifierCV": (X, _BINARY),
    "GammaRegressor": (X, NUMBERS - NUMBERS.min() + 1),
    "PoissonRegressor": (X, NUMBERS - NUMBERS.min() + 1),
    "KernelCenterer": (X @ X.T, None),
    "RFE": (X, CLASSES),
    "RFECV": (X, CLASSES),
    "SequentialFeatureSelector": (X, CLASSES),
    "GridSearchCV": (X, CLASSES),
    "RandomizedSearchCV": (X, CLASSES),
    "Pipeline": (X, CLASSES),
    "SelfTrainingClassifier": (X, np.where(np.arange(ROWS) % 3, _BINARY, -1)),
    "BernoulliRBM": (X > 1, None),
}
_TWO_TARGETS = np.column_stack([NUMBERS, X[:, 1]])
_MANY_TARGETS = ("MultiTask", "PLS", "CCA", "MultiOutputRegressor", "RegressorChain")
_CLASSES_TOO = ("Select", "NeighborhoodComponents", "NearestCentroid", "Generic")


def data_for(name: str, cls: type) -> tuple[Any, Any]:
    """X and y that an estimator of that name can be fitted on."""
    if name in _INPUTS:
        return _INPUTS[name]
    if name.startswith(_MANY_TARGETS):
        return X, _TWO_TARGETS
    classes = getattr(cls, "_estimator_type", None) == "classifier" or "Classif" in name
    return X, CLASSES if classes or name.startswith(_CLASSES_TOO) or is_classifier(cls) else NUMBERS


def is_classifier(cls: type) -> bool:
    """By its mixin: an abstract class has no tags to ask."""
    return any(base.__name__ == "ClassifierMixin" for base in cls.__mro__)


@cache
def classes() -> dict[str, type]:
    """All of scikit-learn's estimators by name."""
    return {name: cls for name, cls in all_estimators() if cls.__module__.startswith("sklearn.")}


@cache
def fitted(name: str) -> tuple[Any, Any]:
    """A fitted estimator, and rows to ask it about."""
    cls = classes()[name]
    rows, targets = data_for(name, cls)
    settings = dict(SETTINGS.get(name, dict)())
    if "random_state" in inspect.signature(cls).parameters:
        settings.setdefault("random_state", 0)
    with threadpool_limits(1), warnings.catch_warnings():  # threads only wait for each other here
        warnings.simplefilter("ignore")  # few rows and few rounds: it says so
        estimator = cls(**settings)
        return (estimator.fit(rows) if targets is None else estimator.fit(rows, targets)), rows
