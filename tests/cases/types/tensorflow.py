"""Tensors of TensorFlow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

from modelyard.testing.types import Refused, TypeCase


def equal(a: Any, b: Any) -> bool:
    if not isinstance(a, tf.Tensor) or a.dtype != b.dtype or a.shape != b.shape:
        return False
    x, y = a.numpy(), b.numpy()
    return np.array_equal(x, y, equal_nan=a.dtype.is_floating)


CASES = [
    TypeCase(
        "matrix",
        lambda: tf.constant([[1.5, 2.0], [-3.0, math.nan]]),
        {"type": "tf_tensor", "dtype": "float32", "shape": [None, 2]},
        [[1.5, 2.0], [-3.0, None]],
        rows=2,
        also=([[1.5, 2], [-3, "NaN"]],),
        native=(
            lambda: np.array([[1.5, 2.0], [-3.0, math.nan]]),
            lambda: tf.constant([[1.5, 2.0], [-3.0, math.nan]], tf.float64),
            lambda: tf.Variable([[1.5, 2.0], [-3.0, math.nan]]),
            lambda: [[1.5, 2], [-3.0, math.nan]],
        ),
        refused=(
            Refused([[1.0]], "X[0]: expected a list of 2, got one of 1", "X[0]"),
            Refused([[1.0, "2"]], "X[0][1]: expected a number, got the string '2'", "X[0][1]"),
        ),
        not_native=(
            Refused(lambda: tf.zeros((2, 3)), "X: expected an array of shape (any, 2), got (2, 3)"),
            Refused(
                lambda: tf.ragged.constant([[1.0], [1.0, 2.0]]),
                "X: expected a dense tensor, got a RaggedTensor",
            ),
            Refused(
                lambda: tf.sparse.from_dense([[1.0, 2.0]]),
                "X: expected a dense tensor, got a SparseTensor",
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "integers",
        lambda: tf.constant([[[1, -2]]], tf.int64),
        {"type": "tf_tensor", "dtype": "int64", "shape": [None, 1, 2]},
        [[[1, -2]]],
        rows=1,
        refused=(
            Refused(
                [[[1.5, 1]]], "X[0][0][0]: expected an integer, got the number 1.5", "X[0][0][0]"
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "texts",
        lambda: tf.constant(["a", "None", "größer"]),
        {"type": "tf_tensor", "dtype": "str", "shape": [None]},
        ["a", "None", "größer"],
        rows=3,
        native=(lambda: ["a", "None", "größer"],),
        refused=(Refused([1], "X[0]: expected a text, got the number 1", "X[0]"),),
        not_native=(
            Refused(
                lambda: tf.constant([b"\xff"]),
                "X: expected texts in UTF-8, got bytes that are none",
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "flags",
        lambda: tf.constant([True, False]),
        {"type": "tf_tensor", "dtype": "bool", "shape": [None]},
        [True, False],
        rows=2,
        equal=equal,
    ),
    TypeCase(
        "one number",
        lambda: tf.constant(2.5, tf.float64),
        {"type": "tf_tensor", "dtype": "float64", "shape": []},
        2.5,
        equal=equal,
    ),
]
