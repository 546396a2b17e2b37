"""scikit-learn: estimators and pipelines, and estimators of other libraries built on its base classes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelyard.base.errors import InvalidInput

NAME = "sklearn"
EXTRA = "sklearn"
FORMATS = ("skops", "cloudpickle")

METHODS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "transform",
    "inverse_transform",
    "score_samples",
    "apply",
    "kneighbors",
)
"""What a fitted estimator answers without learning, the default first."""

_ROLES = ("classifier", "regressor", "vectorizer", "transformer")


def claims(obj: Any) -> bool:
    """Estimators: a Bunch is data, a kernel or a splitter is only a part."""
    from sklearn.base import BaseEstimator

    if isinstance(obj, type):
        return False
    return isinstance(obj, BaseEstimator) or (
        callable(getattr(obj, "fit", None)) and any(hasattr(obj, name) for name in METHODS)
    )


def methods(obj: Any) -> Mapping[str, Callable[..., Any]]:
    """`InvalidInput` for an estimator that was not fitted."""
    require_fitted(obj)
    found = {name: getattr(obj, name, None) for name in METHODS}
    return {name: method for name, method in found.items() if callable(method)}


def labels(obj: Any) -> Sequence[str]:
    """The kind of estimator; for a pipeline or a search also the kind inside: ``pipeline``, ``random-forest``."""
    inner = last_step(obj)
    if inner is obj:
        inner = getattr(obj, "best_estimator_", None)
    own = [label(obj)]
    return own if inner is None or isinstance(inner, str) else [*own, *labels(inner)]


def system(obj: Any) -> Sequence[str]:
    """None: its wheels carry what they need."""
    return ()


def label(obj: Any) -> str:
    """A class name in words, without its role: ``random-forest``, ``k-neighbors``, ``svc``."""
    words = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+", type(obj).__name__)
    words = [word.lower() for word in words]
    if len(words) > 1 and words[-1] in _ROLES:
        words.pop()
    return "-".join(words)


def last_step(obj: Any) -> Any:
    """The last step of a pipeline, or the object itself."""
    from sklearn.pipeline import Pipeline

    return obj.steps[-1][1] if isinstance(obj, Pipeline) and obj.steps else obj


def require_fitted(obj: Any) -> None:
    """scikit-learn's own estimators say whether they are fitted; another class's word is not asked for."""
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    inner = last_step(obj)
    if not type(inner).__module__.startswith("sklearn."):
        return
    try:
        check_is_fitted(inner)
    except NotFittedError:
        raise InvalidInput(
            f"this {type(obj).__name__} is not fitted", hint="call fit() before you save it"
        ) from None
