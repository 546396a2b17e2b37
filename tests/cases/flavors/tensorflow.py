"""TensorFlow modules, graph functions, and what came back from a SavedModel."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from modelyard.objects.flavors import tensorflow as flavor
from modelyard.testing.flavors import Example, FlavorCase

ROWS = np.random.default_rng(0).random((12, 4)).astype("float32")


class Linear(tf.Module):
    """Called, and with a second graph function; what was never traced does not count."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = tf.Variable(tf.reshape(tf.range(8.0), (4, 2)))

    @tf.function
    def __call__(self, x: Any) -> Any:
        return x @ self.weights

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32)])
    def both(self, rows: Any) -> Any:
        return {"sum": tf.reduce_sum(rows, 1), "doubled": 2 * rows}

    @tf.function
    def never(self, x: Any) -> Any:
        return x


class Plain(tf.Module):
    """Without a graph: only Python can call it."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = tf.Variable([1.0, 2.0, 3.0, 4.0])

    def __call__(self, x: Any) -> Any:
        return tf.reduce_sum(x * self.weights, 1)


@tf.function
def doubled(x: Any) -> Any:
    return 2 * x


def called(make: Callable[[], Any]) -> Callable[[], Any]:
    @lru_cache
    def called_once() -> Any:
        model = make()
        model(tf.constant(ROWS[:3]))
        return model

    return called_once


@lru_cache
def restored() -> Any:
    folder = Path(tempfile.mkdtemp())
    flavor.dump(called(Linear)(), folder)
    return tf.saved_model.load(str(folder))


def case() -> FlavorCase:
    return FlavorCase(
        flavor=flavor,  # type: ignore[arg-type]
        models={
            "module": Example(called(Linear), ROWS, ("predict", "both"), ["linear"], "savedmodel"),
            "restored module": Example(
                restored, ROWS, ("predict", "both"), ["saved-model"], "savedmodel"
            ),
            "function": Example(
                called(lambda: doubled), ROWS, ("predict",), ["function"], "savedmodel"
            ),
        },
        strangers={
            "tensor": tf.constant(1),
            "variable": tf.Variable(1),
            "data set": tf.data.Dataset.range(3),
            "bare module": tf.Module(),
            "module without a graph": Plain(),
        },
    )
