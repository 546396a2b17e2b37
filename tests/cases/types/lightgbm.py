"""Datasets of LightGBM that keep their rows."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from modelyard.testing.types import Refused, TypeCase

FRAME = pd.DataFrame(
    {"age": [0.5, 1.5], "town": pd.Categorical(["Oslo", "Bern"], categories=["Bern", "Oslo"])}
)


def equal(a: Any, b: Any) -> bool:
    if type(a) is not lgb.Dataset or type(a.data) is not type(b.data):
        return False
    return a.data.equals(b.data) if hasattr(a.data, "equals") else np.array_equal(a.data, b.data)


CASES = [
    TypeCase(
        "of a table",
        lambda: lgb.Dataset(FRAME, label=[0, 1], free_raw_data=False),
        {
            "type": "lightgbm_dataset",
            "of": {
                "type": "dataframe",
                "columns": {
                    "age": "float64",
                    "town": {"dtype": "category", "categories": ["Bern", "Oslo"]},
                },
            },
        },
        [{"age": 0.5, "town": "Oslo"}, {"age": 1.5, "town": "Bern"}],
        rows=2,
        also=([[0.5, "Oslo"], [1.5, "Bern"]],),
        native=(
            lambda: FRAME,
            lambda: lgb.Dataset(FRAME[["town", "age"]], free_raw_data=False),
        ),
        refused=(
            Refused(
                [{"age": 0.5, "town": "Rome"}],
                "X[0].town: expected one of the known categories, got the string 'Rome'",
                "X[0].town",
            ),
        ),
        not_native=(
            Refused(
                lambda: lgb.Dataset(FRAME[["age"]], free_raw_data=False),
                "X: the columns differ: missing 'town'",
                "X.town",
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "of an array",
        lambda: lgb.Dataset(np.array([[0.5, 1.0]]), free_raw_data=False),
        {
            "type": "lightgbm_dataset",
            "of": {"type": "array", "dtype": "float64", "shape": [None, 2]},
        },
        [[0.5, 1.0]],
        rows=1,
        native=(lambda: np.array([[0.5, 1.0]]),),
        equal=equal,
    ),
]
