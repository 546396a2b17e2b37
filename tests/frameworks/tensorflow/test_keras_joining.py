"""Requests to networks of Keras are joined where a trial shows that each record is answered by itself, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers, ops

from modelyard.objects.engines.row_wise import answers_row_by_row
from modelyard.objects.sampling import sample_for_card
from modelyard.serving.execution import Method, answer
from modelyard.serving.housing import choose_engines
from modelyard.serving.interface import Json, Request
from modelyard.yard.verbs import live_model

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(5, 4)).astype(np.float32)
TABLE = pd.DataFrame(ROWS.astype(np.float64), columns=list("abcd"))
SERIES = RNG.normal(size=(3, 10, 3)).astype(np.float32)
NUMBERS = RNG.integers(0, 10, (5, 5))


class Of(layers.Layer):
    """A function of all that came in."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def call(self, x: Any) -> Any:
        return self.function(x)

    def compute_output_shape(self, shape: Any) -> Any:
        return shape


def sequence(*parts: Any, shape: tuple[int | None, ...] = (4,), **options: Any) -> Any:
    return keras.Sequential([keras.Input(shape, **options), *parts])


def plain() -> Any:
    return sequence(
        layers.Dense(8, activation="relu"),
        layers.Dropout(0.5),
        layers.BatchNormalization(),
        layers.Dense(3, activation="softmax"),
    )


def words() -> Any:
    parts = layers.Embedding(10, 4), layers.GlobalAveragePooling1D(), layers.Dense(2)
    return sequence(*parts, shape=(5,), dtype="int32")


def own(function: Callable[[Any], Any]) -> Callable[[], Any]:
    return lambda: sequence(layers.Dense(3), Of(function))


def live(make: Callable[[], Any], rows: Any) -> Any:
    """As it is loaded: its card has a sample."""
    keras.utils.set_random_seed(0)
    model = live_model(make(), rows)
    sample = sample_for_card({"X": rows}, model.signature("predict"))
    return replace(model, card=model.card.but(sample=sample))


@pytest.mark.parametrize(
    ("make", "rows"),
    [
        (plain, ROWS),
        (plain, TABLE),
        (words, NUMBERS),
        (lambda: sequence(layers.LSTM(4), layers.Dense(1), shape=(10, 3)), SERIES),
        (own(lambda y: ops.softmax(y, axis=1)), ROWS),
    ],
    ids=["plain", "table", "words", "memory", "softmax of a row"],
)
def test_a_network_that_answers_row_by_row_is_joined(make: Any, rows: Any) -> None:
    assert answers_row_by_row(live(make, rows), "predict")


@pytest.mark.parametrize(
    "function",
    [
        lambda y: ops.softmax(y, axis=0),
        lambda y: y - ops.mean(y, axis=0),
        lambda y: ops.cumsum(y, axis=0),
        lambda y: ops.flip(y, axis=0),
        lambda y: ops.matmul(ops.softmax(ops.matmul(y, ops.transpose(y))), y),
    ],
    ids=["softmax", "mean", "sum so far", "reversed", "attention"],
)
def test_one_that_looks_at_its_neighbours_is_not(function: Any) -> None:
    assert not answers_row_by_row(live(own(function), ROWS), "predict")


def test_normalization_by_the_batch_is_not_joined() -> None:
    class Training(layers.BatchNormalization):
        def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
            return super().call(inputs, training=True, mask=mask)

    made = live(lambda: sequence(layers.Dense(3), Training()), ROWS)
    assert not answers_row_by_row(made, "predict")


def test_joined_requests_hear_what_they_would_hear_alone() -> None:
    model = live(plain, ROWS)
    method = Method(model, "predict")
    choose_engines(model, {"predict": method})
    asked = [Request("m", "predict", {"X": Json([row])}, "r1") for row in ROWS.tolist() * 8]
    assert len({method.group(one) for one in asked} - {None}) == 1
    alone = [answer(method, [one])[0] for one in asked]
    for count in (40, 3, 1, 33):
        np.testing.assert_allclose(answer(method, asked[:count]), alone[:count], rtol=1e-5, atol=1e-6)  # fmt: skip
    assert method.joins
