"""Sparse matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from modelyard.testing.types import Refused, TypeCase


def equal(a: Any, b: Any) -> bool:
    return (
        type(a) is type(b)
        and a.format == b.format
        and a.dtype == b.dtype
        and np.array_equal(a.toarray(), b.toarray(), equal_nan=a.dtype.kind == "f")
    )


ROWS = [[0.0, 1.5, 0.0], [0.0, 0.0, np.nan]]
PARTS = {"shape": [2, 3], "data": [1.5, None], "indices": [1, 2], "indptr": [0, 1, 2]}

CASES = [
    TypeCase(
        "rows",
        lambda: sp.csr_matrix(ROWS),
        {"type": "sparse", "dtype": "float64", "shape": [None, 3]},
        PARTS,
        rows=2,
        also=([[0.0, 1.5, 0.0], [0, 0, None]],),
        native=(
            lambda: np.array(ROWS),
            lambda: sp.coo_matrix(ROWS),
            lambda: sp.csc_array(ROWS),
            lambda: sp.csr_matrix(ROWS, dtype=np.float32),
        ),
        refused=(
            Refused([[1.0]], "X[0]: expected a list of 3, got one of 1", "X[0]"),
            Refused(
                {"shape": [1, 3]},
                "X: expected nested lists, or an object with shape, data, indices, indptr, got an object with 'shape'",
            ),
            Refused(
                PARTS | {"shape": [2, 4]},
                "X.shape: expected 3 columns, got 4",
                "X.shape",
                by_schema=False,
            ),
            Refused(
                PARTS | {"shape": [0, 3]},
                "X.shape: expected at least one row, got none",
                "X.shape",
                by_schema=False,
            ),
            Refused(
                PARTS | {"shape": [2.0, "3"]},
                "X.shape: expected a list of two sizes, got a list of 2",
                "X.shape",
            ),
            Refused(
                PARTS | {"indices": [1, 3]},
                "X.indices[1]: expected an integer from 0 to 2, got the number 3",
                "X.indices[1]",
                by_schema=False,
            ),
            Refused(
                PARTS | {"indices": [1, -1]},
                "X.indices[1]: expected an integer from 0 to 2, got the number -1",
                "X.indices[1]",
            ),
            Refused(
                PARTS | {"indices": [1]},
                "X.indices: expected 2 numbers, one for each of data, got 1",
                "X.indices",
                by_schema=False,
            ),
            Refused(
                PARTS | {"indptr": [0, 2]},
                "X.indptr: expected 3 numbers, one more than rows, got 2",
                "X.indptr",
                by_schema=False,
            ),
            Refused(
                PARTS | {"indptr": [0, 9, 2]},
                "X.indptr[1]: expected integers that start at 0 and never fall, got the number 9",
                "X.indptr[1]",
                by_schema=False,
            ),
            Refused(
                PARTS | {"indptr": [0, 2, 1]},
                "X.indptr[2]: expected integers that start at 0 and never fall, got the number 1",
                "X.indptr[2]",
                by_schema=False,
            ),
            Refused(
                PARTS | {"indptr": [0, 1, 1]},
                "X.indptr: expected 2 at the end, got 1",
                "X.indptr",
                by_schema=False,
            ),
            Refused(
                PARTS | {"data": ["1.5", 1.0]},
                "X.data[0]: expected a number, got the string '1.5'",
                "X.data[0]",
            ),
            Refused(PARTS | {"data": 1}, "X.data: expected a list, got the number 1", "X.data"),
        ),
        not_native=(
            Refused(
                lambda: sp.csr_matrix((2, 4)), "X: expected a matrix of shape (any, 3), got (2, 4)"
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "columns, newer array",
        lambda: sp.csc_array(np.array([[0, 1], [2, 0]], dtype=np.int32)),
        {"type": "sparse", "dtype": "int32", "shape": [None, 2], "format": "csc", "array": True},
        {"shape": [2, 2], "data": [1, 2], "indices": [1, 0], "indptr": [0, 1, 2]},
        rows=2,
        refused=(
            Refused(
                {"shape": [1, 2], "data": [1.5], "indices": [0], "indptr": [0, 1]},
                "X.data[0]: expected an integer, got the number 1.5",
                "X.data[0]",
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "nothing in it",
        lambda: sp.csr_matrix((2, 3), dtype=bool),
        {"type": "sparse", "dtype": "bool", "shape": [None, 3]},
        {"shape": [2, 3], "data": [], "indices": [], "indptr": [0, 0, 0]},
        rows=2,
        equal=equal,
    ),
]
