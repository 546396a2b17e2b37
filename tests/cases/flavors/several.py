"""Dicts of models."""

from __future__ import annotations

from functools import cache

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from modelyard.objects.flavors import several
from modelyard.testing.flavors import Example, FlavorCase

ROWS = np.round(np.random.default_rng(5).normal(size=(24, 3)), 2)
LEFT = ROWS[:, 0] > 0
PAID = ROWS @ [1.0, 2.0, 3.0]


@cache
def churn_and_value() -> dict[str, object]:
    return {"churn": LogisticRegression().fit(ROWS, LEFT), "value": Ridge().fit(ROWS, PAID)}


def one_is_code() -> dict[str, object]:
    return {
        "double": FunctionTransformer(lambda X: 2 * X).fit(ROWS),
        "value": Ridge().fit(ROWS, PAID),
    }


def case() -> FlavorCase:
    return FlavorCase(
        flavor=several,
        models={
            "two": Example(
                churn_and_value,
                ROWS,
                (
                    *("churn_predict", "churn_predict_proba", "churn_predict_log_proba"),
                    *("churn_decision_function", "value_predict"),
                ),
                ["logistic-regression", "ridge"],
                "several",
            ),
            "one that is code": Example(
                one_is_code,
                ROWS,
                ("double_transform", "double_inverse_transform", "value_predict"),
                ["function", "ridge"],
            ),
        },
        strangers={
            "no models": {"a": 1},
            "a model and a number": {"a": Ridge(), "b": 1},
            "no names": {1: Ridge()},
            "names that are none": {"a b": Ridge()},
            "nothing": {},
            "list": [Ridge()],
        },
        unready={"unfitted": {"a": StandardScaler()}},
    )
