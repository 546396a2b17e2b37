"""Functions and objects of one's own."""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import Ridge

from modelyard.objects.flavors import callable as callables
from modelyard.testing.flavors import Example, FlavorCase

LIMIT = 2


def over_limit(values: Sequence[float], limit: float = LIMIT) -> list[bool]:
    return [v > limit for v in values]


class Rule:
    """Called itself."""

    def __init__(self, limit: float) -> None:
        self.limit = limit

    def __call__(self, values: Sequence[float]) -> list[bool]:
        return over_limit(values, self.limit)

    def explain(self, values: Sequence[float]) -> str:
        return f"{values} over {self.limit}"


class Mean:
    """With methods of a model's names."""

    def __init__(self, mean: float) -> None:
        self.mean = mean

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.mean)

    def transform(self, X: Any) -> Any:
        return np.asarray(X) - self.mean

    def fit(self, X: Any) -> Mean:
        return self


class Broken:
    """A property that fails is no method."""

    @property
    def predict(self) -> Any:
        raise RuntimeError("not today")

    def transform(self, X: Any) -> Any:
        return X


VALUES = [1.0, 2.5, 4.0, -1.0]


def models() -> dict[str, Example]:
    return {
        "function": Example(lambda: over_limit, VALUES, ("predict",), ["over-limit"]),
        "lambda": Example(
            lambda: lambda values: [v * LIMIT for v in values], VALUES, ("predict",), ["lambda"]
        ),
        "partial": Example(
            lambda: functools.partial(over_limit, limit=1), VALUES, ("predict",), ["over-limit"]
        ),
        "bound method": Example(lambda: Mean(3).transform, VALUES, ("predict",), ["transform"]),
        "builtin": Example(lambda: sorted, VALUES, ("predict",), ["sorted"]),
        "ufunc": Example(lambda: np.exp, np.array(VALUES), ("predict",), ["exp"]),
        "called object": Example(lambda: Rule(3), VALUES, ("predict",), ["rule"]),
        "object with methods": Example(lambda: Mean(3), VALUES, ("predict", "transform"), ["mean"]),
        "object with a failing property": Example(Broken, VALUES, ("transform",), ["broken"]),
    }


def case() -> FlavorCase:
    return FlavorCase(
        flavor=callables,
        models=models(),
        strangers={
            "number": 3,
            "list": [1],
            "class": Rule,
            "lock": threading.Lock(),
            "unfitted class": Ridge,
        },
    )
