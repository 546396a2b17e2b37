"""What is told of estimators as scikit-learn defines them: params, training metrics, results of a search.

Training metrics are those of at most `MOST_ROWS` rows, evenly taken, so that a model that predicts slowly does not double the time of
its training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelyard.yard.autologging.data import container_input

MOST_ROWS = 10_000
"""Rows that training metrics are computed of."""
FEW_ROWS = 2_000
"""Those of metrics that compare all rows with all others."""
MOST_CLASSES = 50
"""Of a confusion matrix."""
SAMPLE_ROWS = 5
_NO_ROWS = ("coo", "dia", "bsr")
"""Formats of sparse matrices that give no rows back."""


def params_of(estimator: Any) -> dict[str, Any]:
    """All params, those of nested estimators as ``step__param``; an estimator itself by the name of its class."""
    return {k: shown(v) for k, v in estimator.get_params(deep=True).items()}


def shown(value: Any) -> Any:
    """A param's value; of an estimator the name of its class."""
    if _is_estimator(value):
        return type(value).__name__
    if isinstance(value, list | tuple) and any(
        isinstance(v, tuple) and any(map(_is_estimator, v)) for v in value
    ):
        return [f"{v[0]}={shown(v[1])}" if isinstance(v, tuple) else shown(v) for v in value]
    if isinstance(value, list | tuple) and any(map(_is_estimator, value)):
        return [shown(v) for v in value]
    return value


def _is_estimator(value: Any) -> bool:
    return hasattr(value, "get_params") and not isinstance(value, type)


def rows_of(data: Any) -> int:
    """How many rows there are."""
    shape = getattr(data, "shape", None)
    return int(shape[0]) if shape else len(data)


def input_of(data: Any) -> Any:
    """Data as an input of the run: of a sparse matrix what stands in it, as it would print itself otherwise."""
    if hasattr(data, "nnz") and hasattr(data, "tocsr"):
        rows, columns = data.shape
        return container_input(f"sparse {data.format}", rows, columns, None, data.data)
    return data


def head_of(data: Any, rows: int = SAMPLE_ROWS) -> Any:
    """The first rows; None when the container gives none."""
    if getattr(data, "format", "") in _NO_ROWS:
        return None
    return data.iloc[:rows] if hasattr(data, "iloc") else data[:rows]


def thinned(data: Any, most: int = MOST_ROWS) -> Any:
    """At most so many rows, evenly taken; the data itself when it is no longer."""
    if data is None or rows_of(data) <= most:
        return data
    step = math.ceil(rows_of(data) / most)
    if getattr(data, "format", "") in _NO_ROWS:
        data = data.tocsr()
    return data.iloc[::step] if hasattr(data, "iloc") else data[::step]


@dataclass(frozen=True)
class Report:
    """How well an estimator does on what it was trained on."""

    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    confusion: Mapping[str, Any] | None = None
    """Classes, and how often each was taken for which; None where that makes no sense."""


def training_report(estimator: Any, X: Any, y: Any, weights: Any = None) -> Report:
    """How well it does, by its kind. It predicts once, and probabilities once."""
    from sklearn import base

    X, y, weights = thinned(X), thinned(y), thinned(weights)
    if base.is_classifier(estimator) and y is not None:
        return _of_classifier(estimator, X, y, weights)
    if base.is_regressor(estimator) and y is not None:
        return Report(regressor_metrics(y, estimator.predict(X), weights))
    if base.is_clusterer(estimator):
        return Report(clusterer_metrics(estimator, X))
    return Report()


def _of_classifier(estimator: Any, X: Any, y: Any, weights: Any) -> Report:
    """Accuracy, and precision, recall and F1 as means weighted by the classes' sizes; log loss and area under the curve of
    those that know probabilities."""
    from sklearn import metrics
    from sklearn.utils.multiclass import type_of_target

    kind = type_of_target(y)
    if kind not in ("binary", "multiclass", "multilabel-indicator"):
        return Report()
    guess = estimator.predict(X)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        y,
        guess,
        average="weighted",
        sample_weight=weights,
        zero_division=0,  # type: ignore[arg-type]  # its stubs say str
    )
    accuracy = metrics.accuracy_score(y, guess, sample_weight=weights)
    found: dict[str, Any] = {"training_accuracy": accuracy, "training_precision": precision}
    found |= {"training_recall": recall, "training_f1": f1}
    classes = getattr(estimator, "classes_", None)
    if kind == "multilabel-indicator" or getattr(classes, "ndim", 0) != 1:
        return Report(_floats(found))
    if hasattr(estimator, "predict_proba") and len(classes) > 1:  # type: ignore[arg-type]
        found |= _probability_metrics(y, estimator.predict_proba(X), classes, weights)
    return Report(_floats(found), _confusion(y, guess, classes))


def _floats(values: Mapping[str, Any]) -> dict[str, float]:
    return {key: float(value) for key, value in values.items()}


def _confusion(y: Any, guess: Any, classes: Any) -> dict[str, Any] | None:
    from sklearn import metrics

    if not 2 <= len(classes) <= MOST_CLASSES:
        return None
    matrix = metrics.confusion_matrix(y, guess, labels=classes)
    return {"classes": classes.tolist(), "matrix": matrix.tolist()}


def _probability_metrics(y: Any, p: Any, classes: Any, weights: Any) -> dict[str, Any]:
    from sklearn import metrics

    found = {"training_log_loss": metrics.log_loss(y, p, labels=classes, sample_weight=weights)}
    if len(set(y)) == len(classes):  # with a class left out by thinning there is no curve of it
        found["training_roc_auc"] = metrics.roc_auc_score(
            y,
            p[:, 1] if len(classes) == 2 else p,
            average="weighted",
            multi_class="ovo",
            labels=classes if len(classes) > 2 else None,
            sample_weight=weights if len(classes) == 2 else None,
        )
    return found


def regressor_metrics(y: Any, guess: Any, weights: Any = None) -> dict[str, float]:
    """Errors and the share of variance that is explained."""
    from sklearn import metrics

    mse = float(metrics.mean_squared_error(y, guess, sample_weight=weights))
    found = {
        "training_mse": mse,
        "training_rmse": math.sqrt(mse),
        "training_mae": float(metrics.mean_absolute_error(y, guess, sample_weight=weights)),
    }
    if rows_of(y) > 1:
        found["training_r2"] = float(metrics.r2_score(y, guess, sample_weight=weights))
    return found


def clusterer_metrics(estimator: Any, X: Any) -> dict[str, float]:
    """How many clusters, and how well they stand apart."""
    from sklearn import metrics

    labels = getattr(estimator, "labels_", None)
    found: dict[str, float] = {}
    if hasattr(estimator, "inertia_"):
        found["training_inertia"] = float(estimator.inertia_)
    if labels is None:
        return found
    known = set(labels.tolist()) - {-1}  # -1 is noise
    found["clusters_found"] = float(len(known))
    labels = thinned(labels)
    if rows_of(labels) == rows_of(X) and 2 <= len(set(labels.tolist())) < len(labels):
        near, own = thinned(X, FEW_ROWS), thinned(labels, FEW_ROWS)
        if 2 <= len(set(own.tolist())) < len(own):
            found["training_silhouette"] = float(metrics.silhouette_score(near, own))
    return found


# Searches


def search_results(search: Any) -> dict[str, list[Any]]:
    """The table of candidates, as columns of plain values."""
    found: dict[str, list[Any]] = {}
    for name, column in search.cv_results_.items():
        if name == "params":
            continue
        values = column.tolist() if hasattr(column, "tolist") else list(column)
        found[name] = [v if _is_plain(v) else str(shown(v)) for v in values]
    return found


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | bool | int | float)


def search_score(search: Any) -> str:
    """What the candidates are ranked by: ``score``, or the name of a scorer."""
    if isinstance(search.refit, str):
        return search.refit
    if "mean_test_score" in search.cv_results_:
        return "score"
    names = sorted(n for n in search.cv_results_ if n.startswith("mean_test_"))
    return names[0].removeprefix("mean_test_")


def best_candidates(search: Any, most: int) -> Sequence[int]:
    """Places in the table of the best so many, the best first."""
    results, score = search.cv_results_, search_score(search)
    ranks = results[f"rank_test_{score}"].tolist()
    later = results["iter"].tolist() if "iter" in results else [0] * len(ranks)
    # Of a halving search a candidate stands there once an iteration: later ones were measured with more.
    return sorted(range(len(ranks)), key=lambda i: (-later[i], ranks[i], i))[:most]


def candidate_metrics(search: Any, place: int) -> dict[str, float]:
    """Mean scores of a candidate, how much they vary, its times and its rank."""
    wanted = ("mean_", "std_", "rank_")
    results: Mapping[str, Any] = search.cv_results_
    return {k: float(v[place]) for k, v in results.items() if k.startswith(wanted)}
