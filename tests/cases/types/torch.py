"""PyTorch tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch

from modelyard.objects.equality import same_output
from modelyard.testing.types import Refused, TypeCase


def equal(a: Any, b: Any) -> bool:
    """Of one class and dtype, equal to the sign of zero."""
    if not same_output(a, b):
        return False
    signs = [torch.signbit(t.float()) & (t == t) for t in (a, b)]
    return not a.is_floating_point() or torch.equal(*signs)


def kind(dtype: str, *shape: int | None) -> dict[str, Any]:
    return {"type": "tensor", "dtype": dtype, "shape": list(shape)}


ROWS = [[0.5, -0.0], [float("nan"), float("inf")]]
SPELLED = [[0.5, -0.0], [None, "Infinity"]]


def floats(dtype: torch.dtype) -> TypeCase:
    name = str(dtype).removeprefix("torch.")
    return TypeCase(
        name, lambda: torch.tensor(ROWS, dtype=dtype), kind(name, None, 2), SPELLED, 2, equal=equal
    )


CASES = [
    *map(floats, (torch.float16, torch.float64, torch.bfloat16)),
    TypeCase(
        "float32",
        lambda: torch.tensor(ROWS),
        kind("float32", None, 2),
        SPELLED,
        rows=2,
        native=(
            lambda: ROWS,
            lambda: np.array(ROWS),
            lambda: np.array(ROWS, ">f4")[::-1][::-1],
            lambda: pd.DataFrame(ROWS),
            lambda: torch.tensor(ROWS, dtype=torch.bfloat16),
            lambda: torch.tensor(ROWS, dtype=torch.float64),
            lambda: torch.tensor(ROWS).T.contiguous().T,
        ),
        refused=(
            Refused([[1.0]], "X[0]: expected a list of 2, got one of 1", "X[0]"),
            Refused([[1.0, "a"]], "X[0][1]: expected a number, got the string 'a'", "X[0][1]"),
            Refused(
                [[1.0, 1e39]],
                "X[0][1]: expected a number that float32 can hold, got the number 1e+39",
                "X[0][1]",
                by_schema=False,
            ),
            Refused({}, "X: expected a list (shape (any, 2)), got an empty object"),
        ),
        not_native=(
            Refused("a", "X: expected an array, got the string 'a'"),
            Refused(
                lambda: torch.zeros(2),
                "X: expected an array of shape (any, 2), got (2)",
            ),
            Refused(
                lambda: torch.tensor([[1, 0.1]], dtype=torch.float64),
                "X[0][1]: expected a value that float32 holds exactly, got 0.1 in an array of float64",
                "X[0][1]",
            ),
            Refused(
                lambda: np.array([[1, 1e39]]),
                "X[0][1]: expected a value that float32 holds exactly, got 1e+39 in an array of float64",
                "X[0][1]",
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "rounded",
        lambda: torch.tensor([0.1, 16777216.0]),
        kind("float32", None),
        [0.10000000149011612, 16777216.0],
        rows=2,
        also=([0.1, 16777216],),
        native=(lambda: [0.1, 16777216.0], lambda: np.array([0.1, 16777216.0])),
        equal=equal,
    ),
    TypeCase(
        "short",
        lambda: torch.tensor([0.1, 3.0], dtype=torch.bfloat16),
        kind("bfloat16", None),
        [0.10009765625, 3.0],
        rows=2,
        also=([0.1, 3],),
        native=(lambda: [0.1, 3.0], lambda: np.array([0.1, 3.0])),
        not_native=(
            Refused(
                lambda: torch.tensor([0.1]),
                "X: expected values that bfloat16 holds exactly, got torch.float32",
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "float8",
        lambda: torch.tensor([0.5, -3.0]).to(torch.float8_e4m3fn),
        kind("float8_e4m3fn", None),
        [0.5, -3.0],
        rows=2,
        not_native=(
            Refused([1e6], "X: expected numbers that float8_e4m3fn can hold, got a larger one"),
        ),
        equal=lambda a, b: a.dtype == b.dtype and torch.equal(a.float(), b.float()),
    ),
    TypeCase(
        "integers",
        lambda: torch.tensor([[[2**63 - 1]], [[-(2**63)]]]),
        kind("int64", None, 1, 1),
        [[[2**63 - 1]], [[-(2**63)]]],
        rows=2,
        refused=(
            Refused([[[1.5]]], "X[0][0][0]: expected an integer, got the number 1.5", "X[0][0][0]"),
            Refused([[[None]]], "X[0][0][0]: expected an integer, got null", "X[0][0][0]"),
        ),
        native=(lambda: [[[2**63 - 1]], [[-(2**63)]]],),
        equal=equal,
    ),
    TypeCase(
        "small",
        lambda: torch.tensor([0, 255], dtype=torch.uint8),
        kind("uint8", None),
        [0, 255],
        2,
        equal=equal,
    ),
    TypeCase(
        "truths",
        lambda: torch.tensor([True, False]),
        kind("bool", None),
        [True, False],
        2,
        equal=equal,
    ),
    TypeCase(
        "one number",
        lambda: torch.tensor(2.5),
        kind("float32"),
        2.5,
        native=(lambda: 2.5, lambda: np.float64(2.5)),
        equal=equal,
    ),
    TypeCase(
        "complex",
        lambda: torch.tensor([1 + 2j]),
        kind("complex64", None),
        [{"real": 1.0, "imag": 2.0}],
        rows=1,
        equal=same_output,
    ),
    TypeCase(
        "a weight",
        lambda: torch.nn.Parameter(torch.ones(1, 2)),
        kind("float32", None, 2),
        [[1.0, 1.0]],
        rows=1,
        equal=lambda a, b: torch.equal(a, b),
    ),
]
