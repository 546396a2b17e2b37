"""Measure a model against known answers, and against a baseline: scikit-learn's metrics, chosen by the task."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from modelyard.base.errors import InvalidInput, MissingExtra, SchemaMismatch, did_you_mean
from modelyard.objects.model import Model

Task = Literal["classification", "regression"]

CLASSIFICATION = (
    "accuracy",
    "balanced_accuracy",
    "f1",
    "precision",
    "recall",
    "roc_auc",
    "log_loss",
)
REGRESSION = ("r2", "mae", "rmse", "mape", "median_ae")
LOWER_IS_BETTER = frozenset(["log_loss", "mae", "rmse", "mape", "median_ae"])


def evaluate_model(
    model: Model, frame: Any, target: str, metrics: Sequence[str] | None = None
) -> dict[str, float]:
    """Metrics of a model on a DataFrame whose column ``target`` holds the true answers.

    A classifier gets the classification metrics, anything else those of a regression; probabilities are used where
    the model has them. A metric that cannot be computed on this data (one class only) is left out, unless it was
    asked for by name.
    """
    truth, features = split_target(frame, target)
    argument = next(iter(model.signature("predict").args))
    kind = model.signature("predict").args[argument].type
    X = kind.check(features, argument)
    predicted = model.call("predict", **{argument: X})
    task = task_of(model, truth, predicted)
    scores = probabilities(model, argument, X) if task == "classification" else None
    classes = getattr(model.object, "classes_", None)
    functions = metric_functions(task, truth, predicted, scores, classes)
    if metrics is None:
        return {
            name: value for name in functions if (value := attempt(functions[name])) is not None
        }
    return {name: required(functions, name, task) for name in metrics}


def split_target(frame: Any, target: str) -> tuple[Any, Any]:
    """The true answers, and the rest of the columns."""
    columns = [str(c) for c in frame.columns]
    if target not in frame.columns:
        raise SchemaMismatch(
            f"the data has no column {target!r} to compare with",
            hint=did_you_mean(target, columns) or f"it has: {', '.join(columns[:20])}",
            field=target,
        )
    truth = frame[target]
    if len(truth) == 0:
        raise InvalidInput("the data has no rows to evaluate on")
    if bool(truth.isna().any()):
        raise SchemaMismatch(
            f"the column {target!r} has {int(truth.isna().sum())} missing values",
            hint="drop those rows first",
            field=target,
        )
    return truth.to_numpy(), frame.drop(columns=[target])


def task_of(model: Model, truth: Any, predicted: Any) -> Task:
    """Whether answers are classes or numbers: the model says so, else the answers do."""
    if hasattr(model.object, "classes_"):
        return "classification"
    kind = getattr(model.object, "_estimator_type", None) or _sklearn_type(model.object)
    if kind in ("classifier", "regressor"):
        return "classification" if kind == "classifier" else "regression"
    whole = getattr(truth, "dtype", None) is not None and truth.dtype.kind in "OUSb"
    return "classification" if whole else "regression"


def _sklearn_type(obj: Any) -> str | None:
    if not hasattr(obj, "__sklearn_tags__"):
        return None
    return getattr(obj.__sklearn_tags__(), "estimator_type", None)


def probabilities(model: Model, argument: str, X: Any) -> Any | None:
    """Class probabilities, when the model gives them."""
    if "predict_proba" not in model.methods:
        return None
    return model.call("predict_proba", **{argument: X})


def metric_functions(
    task: Task, truth: Any, predicted: Any, scores: Any | None, classes: Any = None
) -> Mapping[str, Callable[[], float]]:
    """Metric name -> how to compute it on these answers."""
    try:
        import numpy
        from sklearn import metrics
    except ModuleNotFoundError as error:
        raise MissingExtra("evaluate", "sklearn", missing=error.name) from error
    m: Any = metrics  # scikit-learn's own hints call zero_division a str
    if task == "regression":
        return {
            "r2": lambda: m.r2_score(truth, predicted),
            "mae": lambda: m.mean_absolute_error(truth, predicted),
            "rmse": lambda: math.sqrt(m.mean_squared_error(truth, predicted)),
            "mape": lambda: m.mean_absolute_percentage_error(truth, predicted),
            "median_ae": lambda: m.median_absolute_error(truth, predicted),
        }
    binary = len(numpy.unique(truth)) == 2
    average = "macro"
    positive = scores[:, 1] if scores is not None and binary and scores.shape[1] == 2 else scores
    found: dict[str, Callable[[], float]] = {
        "accuracy": lambda: m.accuracy_score(truth, predicted),
        "balanced_accuracy": lambda: m.balanced_accuracy_score(truth, predicted),
        "f1": lambda: m.f1_score(truth, predicted, average=average, zero_division=0),
        "precision": lambda: m.precision_score(truth, predicted, average=average, zero_division=0),
        "recall": lambda: m.recall_score(truth, predicted, average=average, zero_division=0),
    }
    if scores is not None:
        found["roc_auc"] = lambda: m.roc_auc_score(truth, positive, multi_class="ovr")
        found["log_loss"] = lambda: m.log_loss(truth, scores, labels=classes)
    return found


def attempt(compute: Callable[[], float]) -> float | None:
    """The metric, or None where this data does not allow it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of what is left out, or is meant: a class nobody predicted
            value = float(compute())
    except ValueError:
        return None
    return None if math.isnan(value) else value


def required(functions: Mapping[str, Callable[[], float]], name: str, task: Task) -> float:
    """A metric asked for by name: an error says why it cannot be had."""
    if name not in functions:
        raise InvalidInput(
            f"{name!r} is not a metric of a {task} with this model",
            hint=did_you_mean(name, functions) or f"known: {', '.join(functions)}",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = float(functions[name]())
    except ValueError as error:
        raise InvalidInput(f"{name} cannot be computed on this data: {error}") from error
    if math.isnan(value):
        raise InvalidInput(
            f"{name} cannot be computed on this data", hint="is it of one class only?"
        )
    return value


def compared(
    metrics: Mapping[str, float], baseline: Mapping[str, float]
) -> dict[str, dict[str, Any]]:
    """Each metric beside the baseline's: value, baseline, difference, and whether it is better.

    >>> compared({"rmse": 2.0}, {"rmse": 3.0})
    {'rmse': {'value': 2.0, 'baseline': 3.0, 'difference': -1.0, 'better': True}}
    """
    rows: dict[str, dict[str, Any]] = {}
    for name in metrics:
        if name not in baseline:
            continue
        difference = metrics[name] - baseline[name]
        better = difference < 0 if name in LOWER_IS_BETTER else difference > 0
        rows[name] = {
            "value": metrics[name],
            "baseline": baseline[name],
            "difference": difference,
            "better": better,
        }
    return rows
