"""Pools of CatBoost. Those with categories have no JSON: see the tests of the library's flavor."""

from __future__ import annotations

from typing import Any

import catboost as cb
import numpy as np
import pandas as pd

from modelyard.testing.types import Refused, TypeCase

FRAME = pd.DataFrame({"age": [0.5, np.nan], "visits": [1, 2]})


def equal(a: Any, b: Any) -> bool:
    return (
        isinstance(a, cb.Pool)
        and (a.get_feature_names() == b.get_feature_names() or not any(b.get_feature_names()))
        and np.array_equal(a.get_features(), b.get_features(), equal_nan=True)
    )


CASES = [
    TypeCase(
        "of a table",
        lambda: cb.Pool(FRAME, label=[0, 1]),
        {
            "type": "catboost_pool",
            "of": {"type": "dataframe", "columns": {"age": "float64", "visits": "float64"}},
        },
        [{"age": 0.5, "visits": 1.0}, {"age": None, "visits": 2.0}],
        rows=2,
        also=([[0.5, 1], [None, 2]], {"visits": [1, 2], "age": [0.5, None]}),
        native=(lambda: FRAME, lambda: FRAME[["visits", "age"]], lambda: FRAME.to_numpy()),
        refused=(
            Refused(
                [{"age": "old", "visits": 1}],
                "X[0].age: expected a number, got the string 'old'",
                "X[0].age",
            ),
        ),
        not_native=(
            Refused(
                lambda: cb.Pool(FRAME[["age"]]),
                "X: expected the features 'age', 'visits', got 'age'",
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "of an array",
        lambda: cb.Pool(np.array([[0.5, 1.0]])),
        {
            "type": "catboost_pool",
            "of": {"type": "dataframe", "columns": {"0": "float64", "1": "float64"}},
        },
        [{"0": 0.5, "1": 1.0}],
        rows=1,
        native=(lambda: np.array([[0.5, 1.0]]), lambda: pd.DataFrame([[0.5, 1.0]])),
        equal=equal,
    ),
]
