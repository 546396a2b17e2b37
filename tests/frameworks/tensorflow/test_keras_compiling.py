"""Networks of Keras compiled: layer by layer, or by Keras' own export; the same answers for any number of rows."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

import modelyard as my
from modelyard.objects.engines.onnx import compile_model, with_engines
from modelyard.yard.verbs import live_model

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(8, 4)).astype(np.float32)
TABLE = pd.DataFrame(ROWS.astype(np.float64), columns=list("abcd"))
IMAGES = RNG.normal(size=(4, 12, 12, 3)).astype(np.float32)
SERIES = RNG.normal(size=(6, 10, 3)).astype(np.float32)
NUMBERS = np.arange(10).repeat(2).reshape(4, 5)


class Own(layers.Layer):
    """A layer of somebody's own that has the name of none of Keras'."""

    def call(self, x: Any) -> Any:
        return x + 1


def sequence(*parts: Any, shape: tuple[int | None, ...] = (4,), **options: Any) -> Any:
    return keras.Sequential([keras.Input(shape, **options), *parts])


def plain() -> Any:
    normal = layers.Normalization()
    normal.adapt(ROWS * 3 + 1)
    return sequence(
        normal,
        layers.Dense(8, activation="gelu"),
        layers.LayerNormalization(),
        layers.Dropout(0.5),
        layers.Dense(8, activation="silu", use_bias=False),
        layers.BatchNormalization(),
        layers.Dense(3, activation="softmax"),
    )


def joined() -> Any:
    x = keras.Input((4,))
    shared = layers.Dense(6, activation="elu")
    left, right = shared(x), shared(layers.Dense(4, activation="tanh")(x))
    both = layers.Concatenate()([layers.Average()([left, right]), left * 2.0 - right])
    return keras.Model(x, sequence(layers.Dense(2), shape=(12,))(both))


def images() -> Any:
    return sequence(
        layers.RandomFlip(),
        layers.Rescaling(0.5, 0.1),
        layers.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
        layers.BatchNormalization(),
        layers.SeparableConv2D(6, 3, padding="same"),
        layers.MaxPooling2D(2, padding="same"),
        layers.DepthwiseConv2D(2, depth_multiplier=2),
        layers.AveragePooling2D(2, padding="same"),
        layers.ReLU(6.0),
        layers.Flatten(),
        layers.Dense(3),
        shape=(12, 12, 3),
    )


def series() -> Any:
    return sequence(
        layers.Conv1D(8, 3, padding="causal", dilation_rate=2),
        layers.LeakyReLU(),
        layers.GlobalMaxPooling1D(),
        layers.Dense(2),
        shape=(None, 3),
    )


def words() -> Any:
    return sequence(
        layers.Embedding(10, 4),
        layers.GlobalAveragePooling1D(),
        layers.Dense(2),
        shape=(5,),
        dtype="int32",
    )


def one() -> Any:
    return sequence(layers.Dense(4, activation="relu"), layers.Dense(1), shape=(1,))


def memory() -> Any:
    return sequence(layers.LSTM(4), layers.Dense(1), shape=(10, 3))


def made(make: Callable[[], Any]) -> Any:
    """A network whose weights are none of those that it starts with: no zeros, no ones."""
    keras.utils.set_random_seed(0)
    model, random = make(), np.random.default_rng(1)
    for weight in model.weights:
        if weight.dtype == "float32":
            weight.assign(weight + random.uniform(0.1, 0.3, weight.shape))
    return model


@pytest.fixture
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library that Keras' own export needs."""
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "tf2onnx" else found(name, *a)
    )


def require_same(model: Any, rows: Any) -> None:
    made = compile_model(model)
    assert list(made.engines) == ["predict"], made.reasons
    engine = made.engines["predict"]
    for part in (rows, rows[:1], rows[:3]):
        wanted = model.call("predict", **{engine.argument: part})
        got = engine.call(engine.form.fit(part))
        assert (type(got), got.dtype) == (type(wanted), wanted.dtype)
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("_alone")
@pytest.mark.parametrize(
    ("make", "rows"),
    [
        (plain, ROWS),
        (plain, ROWS.astype(np.float64)),
        (plain, TABLE),
        (joined, ROWS),
        (images, IMAGES),
        (series, SERIES),
        (words, NUMBERS),
        (one, ROWS[:, 0]),
    ],
    ids=["plain", "float64", "table", "joined", "images", "series", "words", "one"],
)
def test_a_network_compiles_layer_by_layer(make: Callable[[], Any], rows: Any) -> None:
    require_same(live_model(made(make), rows), rows)


def test_other_layers_compile_by_keras_own_export() -> None:
    require_same(live_model(made(memory), SERIES), SERIES)


@pytest.mark.usefixtures("_alone")
@pytest.mark.parametrize(
    ("make", "rows", "reason"),
    [
        (memory, SERIES, "layers of LSTM are not converted"),
        (lambda: sequence(Own(), layers.Dense(1)), ROWS, "layers of Own are not converted"),
        (lambda: sequence(layers.Dense(1, activation=lambda x: x)), ROWS, "is not keras' own"),
        (lambda: sequence(layers.Dense(1, dtype="mixed_float16")), ROWS, "computes in float16"),
        (
            lambda: sequence(layers.Embedding(10, 4, mask_zero=True), shape=(5,)),
            NUMBERS,
            "masks zeros",
        ),
    ],
    ids=["lstm", "own", "function", "half", "mask"],
)
def test_what_does_not_compile_says_why(make: Any, rows: Any, reason: str) -> None:
    found = compile_model(live_model(made(make), rows))
    assert not found.engines
    assert reason in found.reasons["predict"]


def test_a_number_without_a_word_is_the_networks_own_to_refuse() -> None:
    model = live_model(made(words), NUMBERS)
    quick = with_engines(model, compile_model(model))
    with pytest.raises(Exception, match=r"(?i)indices|not in \[0, 10\)"):
        quick.call("predict", X=np.full((1, 5), 10))


def test_a_network_is_saved_as_a_graph(tmp_path: Path) -> None:
    network = made(plain)
    card = my.save(network, tmp_path / "m", sample_data=ROWS, format="onnx")
    assert (card.flavor, list(card.methods)) == ("onnx", ["predict"])
    again = my.load(tmp_path / "m")
    for count in (8, 1, 3):
        got = again.predict(ROWS[:count])
        np.testing.assert_allclose(
            got, network.predict(ROWS[:count], verbose=0), rtol=1e-5, atol=1e-6
        )
