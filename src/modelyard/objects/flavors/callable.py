"""Whatever can be called: functions, partials, bound methods, objects with ``__call__`` or with ``predict`` and the like.

A function, or an object that is called itself, has one method, named ``predict``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelyard.objects.protocol import ready

NAME = "callable"
EXTRA = ""
FORMATS = ("cloudpickle",)

PREDICTION_METHODS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "transform",
    "inverse_transform",
    "score_samples",
    "apply",
    "infer",
    "generate",
    "encode",
    "embed",
    "forecast",
    "classify",
)
"""Public methods that are taken for a model's without being asked for, the default first."""


def claims(obj: Any) -> bool:
    return not isinstance(obj, type) and (callable(obj) or bool(prediction_methods(obj)))


def methods(obj: Any) -> Mapping[str, Callable[..., Any]]:
    obj = ready(obj)
    return prediction_methods(obj) or ({"predict": obj} if callable(obj) else {})


def labels(obj: Any) -> Sequence[str]:
    """The function's or class's own name: ``churn-rule``."""
    while isinstance(obj, functools.partial):
        obj = obj.func
    name = getattr(obj, "__name__", type(obj).__name__)
    words = (
        re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name) if name != "<lambda>" else ["lambda"]
    )
    return ["-".join(words).lower()] if words else []


def system(obj: Any) -> Sequence[str]:
    return ()


def prediction_methods(obj: Any) -> dict[str, Callable[..., Any]]:
    """The methods of an object that are taken for a model's; Python's own types (texts, functions) have none."""
    if isinstance(obj, type) or type(obj).__module__ == "builtins":
        return {}
    found = {name: _attribute(obj, name) for name in PREDICTION_METHODS}
    return {name: method for name, method in found.items() if callable(method)}


def has_public_methods(obj: Any) -> bool:
    """Whether an object of somebody's own class has methods that could be named."""
    if isinstance(obj, type) or type(obj).__module__ == "builtins":
        return False
    return any(
        callable(vars(base)[n])
        for base in type(obj).__mro__[:-1]
        for n in vars(base)
        if n[0] != "_"
    )


def _attribute(obj: Any, name: str) -> Any:
    try:
        return getattr(obj, name, None)
    except Exception:  # noqa: BLE001  # a property that fails is no method
        return None
