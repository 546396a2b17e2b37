"""Matrices of XGBoost: with names and types of features, without, and with codes of categories."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xgboost as xgb

from modelyard.testing.types import Refused, TypeCase

FRAME = pd.DataFrame(
    {
        "age": [0.5, np.nan],
        "visits": [1, 2],
        "member": [True, False],
        "town": pd.Categorical(["Oslo", "Bern"], categories=["Bern", "Oslo", "Rome"]),
    }
)
NUMBERS = np.array([[1.5, np.nan], [0, 2]])


def equal(a: Any, b: Any) -> bool:
    cells = [m.get_data() for m in (a, b)]
    return (
        isinstance(a, xgb.DMatrix)
        and a.feature_names == b.feature_names
        and a.feature_types == b.feature_types
        and cells[0].nnz == cells[1].nnz
        and np.array_equal(cells[0].toarray(), cells[1].toarray())
        and categories(a) == categories(b)
    )


def categories(matrix: Any) -> dict[str, Any]:
    found = matrix.get_categories(export_to_arrow=True).to_arrow() or []
    return {name: None if words is None else words.to_pylist() for name, words in found}


CASES = [
    TypeCase(
        "of a table",
        lambda: xgb.DMatrix(FRAME, label=[0, 1], enable_categorical=True),
        {
            "type": "dmatrix",
            "of": {
                "type": "dataframe",
                "columns": {
                    "age": "float64",
                    "visits": "Int64",
                    "member": "boolean",
                    "town": {"dtype": "category", "categories": ["Bern", "Oslo", "Rome"]},
                },
            },
        },
        [
            {"age": 0.5, "visits": 1, "member": True, "town": "Oslo"},
            {"age": None, "visits": 2, "member": False, "town": "Bern"},
        ],
        rows=2,
        also=(
            [[0.5, 1, True, "Oslo"], [None, 2, False, "Bern"]],
            {
                "town": ["Oslo", "Bern"],
                "age": [0.5, None],
                "visits": [1, 2],
                "member": [True, False],
            },
        ),
        native=(
            lambda: FRAME,
            lambda: FRAME[["town", "member", "visits", "age"]],
            lambda: FRAME.astype({"town": "str"}),
        ),
        refused=(
            Refused(
                [{"age": 0.5, "visits": 1, "member": True, "town": "Paris"}],
                "X[0].town: expected one of the known categories, got the string 'Paris'",
                "X[0].town",
            ),
            Refused(
                [{"age": "old", "visits": 1, "member": True, "town": "Oslo"}],
                "X[0].age: expected a number, got the string 'old'",
                "X[0].age",
            ),
        ),
        not_native=(
            Refused(
                lambda: xgb.DMatrix(FRAME[["age", "visits"]]),
                "X: expected the features 'age', 'visits', 'member', 'town', got 'age', 'visits'",
            ),
            Refused(
                lambda: xgb.DMatrix(np.ones((1, 4))),
                "X: expected the features 'age', 'visits', 'member', 'town', got none",
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "of an array",
        lambda: xgb.DMatrix(NUMBERS),
        {"type": "dmatrix", "of": {"type": "array", "dtype": "float64", "shape": [None, 2]}},
        [[1.5, None], [0.0, 2.0]],
        rows=2,
        native=(lambda: NUMBERS, lambda: pd.DataFrame(NUMBERS)),
        refused=(
            Refused([[1.5]], "X[0]: expected a list of 2, got one of 1", "X[0]"),
            Refused([["1.5", 2]], "X[0][0]: expected a number, got the string '1.5'", "X[0][0]"),
        ),
        not_native=(
            Refused(lambda: xgb.DMatrix(np.ones((1, 3))), "X: expected 2 features, got 3"),
        ),
        equal=equal,
    ),
    TypeCase(
        "of an array with codes of categories",
        lambda: xgb.DMatrix(
            np.array([[0.5, 1.0], [0.25, 0.0]]),
            feature_names=["age", "town"],
            feature_types=["q", "c"],
        ),
        {
            "type": "dmatrix",
            "of": {"type": "dataframe", "columns": {"age": "float64", "town": "float64"}},
            "features": ["q", "c"],
        },
        [{"age": 0.5, "town": 1.0}, {"age": 0.25, "town": 0.0}],
        rows=2,
        native=(lambda: np.array([[0.5, 1.0], [0.25, 0.0]]),),
        equal=equal,
    ),
]
