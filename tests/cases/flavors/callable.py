"""Functions and objects of one's own."""

from __future__ import annotations

import functools
import threading

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.tree import DecisionTreeRegressor

from cases.flavors.own_code import LIMIT, Broken, Mean, Rule, Sentiment, mean_of, over_limit
from modelyard.objects.flavors import callable as callables
from modelyard.testing.flavors import Example, FlavorCase

ROWS = np.arange(12.0).reshape(6, 2)
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
        "function that holds models": Example(
            lambda: mean_of(
                Ridge().fit(ROWS, ROWS[:, 0]), DecisionTreeRegressor().fit(ROWS, ROWS[:, 1])
            ),
            ROWS,
            ("predict",),
            ["mean"],
        ),
        "object that is set up": Example(
            lambda: Sentiment(__file__), ["import this", "nothing"], ("predict",), ["sentiment"]
        ),
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
