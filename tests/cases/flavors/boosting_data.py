"""Small tables on which boosted trees are fitted: numbers, gaps, categories, sparse rows, groups to rank."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse

ROWS = 60
_random = np.random.default_rng(7)
NUMBERS = np.round(_random.normal(size=(ROWS, 3)), 2)
NUMBERS[4, 1] = np.nan
CODES = (NUMBERS[:, 0] > 0) + 1 * (NUMBERS[:, 2] > 0.5)
"""Three classes."""
WORDS = np.array(["no", "perhaps", "yes"])[CODES]
AMOUNT = np.nan_to_num(NUMBERS) @ [1.0, 2.0, -1.0]
WEIGHTS = np.linspace(0.5, 2, ROWS)
GRADES = CODES
GROUPS = np.arange(ROWS) // 10
TABLE = pd.DataFrame(
    {
        "age": NUMBERS[:, 0],
        "pay": NUMBERS[:, 1],
        "visits": np.arange(ROWS) % 7,
        "member": NUMBERS[:, 2] > 0,
        # Python's own texts: others can only be unpickled where pyarrow is installed.
        "town": pd.Categorical.from_codes(
            np.arange(ROWS) % 3, pd.Index(["Bern", "Oslo", "Rome"], dtype=object)
        ),
    }
)
NUMERIC = TABLE[["age", "pay", "visits"]]
SPARSE = scipy.sparse.csr_matrix(np.where(NUMBERS > 0, NUMBERS, 0))


def quietly(make: Callable[[], Any]) -> Callable[[], Any]:
    """A model that is fitted when it is first asked for, and once; what the library says meanwhile is not the test's."""

    @cache
    def fitted() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return make()

    return fitted
