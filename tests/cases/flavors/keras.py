"""Keras models of each way to build one, trained or adapted, with and without code of one's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import layers

from modelyard.objects.flavors import keras as flavor
from modelyard.objects.flavors import tensorflow
from modelyard.testing.flavors import Example, FlavorCase

ROWS = np.random.default_rng(0).random((40, 4)).astype("float32")
WANTED = (ROWS.sum(1) > 2).astype("int64")
TEXTS = np.array(["a good day", "rain again", "good rain", "again a day"] * 10, dtype=object)
TOWNS = pd.DataFrame({"age": ROWS[:, 0] * 50, "town": ["Kyoto", "Oslo", "Lima", "Oslo"] * 10})


class Scale(layers.Layer):
    """A layer of somebody's own."""

    def __init__(self, by: float = 2.0, **rest: Any) -> None:
        super().__init__(**rest)
        self.by = by

    def call(self, x: Any) -> Any:
        return x * self.by

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "by": self.by}


class Tower(keras.Model):
    """Subclassed, with a config."""

    def __init__(self, units: int = 3, **rest: Any) -> None:
        super().__init__(**rest)
        self.units = units
        self.inner = layers.Dense(units)

    def call(self, x: Any) -> Any:
        return self.inner(x)

    def get_config(self) -> dict[str, Any]:
        return {"units": self.units, "name": self.name}


class NoConfig(keras.Model):
    """Subclassed, and what it was made with cannot be written down."""

    def __init__(self, inner: Callable[[Any], Any]) -> None:
        super().__init__()
        self.dense = layers.Dense(2)
        self.inner = inner

    def call(self, x: Any) -> Any:
        return self.inner(self.dense(x))


def squash(x: Any) -> Any:
    return x / 10


def made(build: Callable[[], Any], rows: Any = ROWS) -> Callable[[], Any]:
    """A model that is made once and has been called."""

    @lru_cache
    def make() -> Any:
        keras.utils.set_random_seed(0)
        model = build()
        if not model.built:
            model.predict(rows, verbose=0)
        return model

    return make


def trained() -> Any:
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.BatchNormalization(),
            layers.Dense(8, activation="relu", kernel_regularizer="l2"),
            layers.Dropout(0.2),
            layers.Dense(2, activation=keras.activations.softmax),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(ROWS, WANTED, epochs=2, verbose=0)
    return model


def functional() -> Any:
    x = keras.Input((4,))
    hidden = layers.Dense(3, activation="gelu")(x)
    y = keras.ops.relu(hidden) + 1.0 - keras.ops.mean(hidden, axis=1, keepdims=True)
    return keras.Model(x, y)


def nested() -> Any:
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    inner.compile("sgd", "mse")
    x = keras.Input((4,))
    return keras.Model(x, layers.Add()([inner(x), layers.Dense(3)(x)]))


def towns() -> Any:
    age, town = keras.Input((1,), name="age"), keras.Input((1,), dtype="string", name="town")
    scaled = layers.Normalization(axis=None)
    scaled.adapt(TOWNS["age"].to_numpy())
    known = layers.StringLookup(vocabulary=["Oslo", "Lima"], output_mode="one_hot")(town)
    joined = layers.Concatenate()([scaled(age), known])
    return keras.Model(
        {"age": age, "town": town},
        {"price": layers.Dense(1)(joined), "risk": layers.Dense(2, activation="softmax")(joined)},
    )


def pair() -> Any:
    a, b = keras.Input((4,)), keras.Input((4,))
    return keras.Model([a, b], [layers.Subtract()([a, b]), layers.Dot(1)([a, b])])


def words() -> Any:
    vectors = layers.TextVectorization(max_tokens=20, output_sequence_length=5)
    vectors.adapt(TEXTS)
    return keras.Sequential(
        [
            keras.Input((), dtype="string"),
            vectors,
            layers.Embedding(20, 4, mask_zero=True),
            layers.Bidirectional(layers.GRU(3)),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def pictures() -> Any:
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Rescaling(1 / 255),
            layers.RandomFlip(seed=1),
            layers.Conv2D(4, 3, activation="relu"),
            layers.SeparableConv2D(2, 3),
            layers.MaxPooling2D(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )


def with_lambda() -> Any:
    return keras.Sequential(
        [keras.Input((4,)), layers.Lambda(lambda x: x * 3), layers.Dense(1, activation=squash)]
    )


PREDICT = ("predict",)


def close(a: Any, b: Any) -> bool:
    """Equal but for rounding: a SavedModel computes the same in another order."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(close(a[k], b[k]) for k in a)
    return type(a) is type(b) and a.dtype == b.dtype and np.allclose(a, b, rtol=1e-5, atol=1e-6)


def models() -> dict[str, Example]:
    images = np.random.default_rng(1).integers(0, 255, (35, 8, 8, 3)).astype("float32")
    return {
        "sequential, trained": Example(made(trained), ROWS, PREDICT, ["sequential"], "keras"),
        "operations": Example(made(functional), ROWS, PREDICT, ["functional"], "keras"),
        "a model in a model": Example(made(nested), ROWS, PREDICT, format="keras"),
        "columns of a table": Example(made(towns), TOWNS, PREDICT, format="keras"),
        "texts": Example(made(words), TEXTS, PREDICT, format="keras"),
        "images": Example(made(pictures), images, PREDICT, format="keras"),
        "a layer without an input": Example(
            made(lambda: keras.Sequential([layers.Dense(2)])), ROWS, PREDICT, format="keras"
        ),
        "a lambda and a function": Example(made(with_lambda), ROWS, PREDICT, format="keras_code"),
        "a layer of one's own": Example(
            made(lambda: keras.Sequential([keras.Input((4,)), Scale(3.0), layers.Dense(1)])),
            ROWS,
            PREDICT,
            format="keras_code",
        ),
        "subclassed": Example(made(Tower), ROWS, PREDICT, ["tower"], "keras_code"),
        "subclassed, without a config": Example(
            made(lambda: NoConfig(squash)), ROWS, PREDICT, ["no-config"], "savedmodel"
        ),
    }


def case() -> FlavorCase:
    return FlavorCase(
        flavor=flavor,  # type: ignore[arg-type]
        models={word: replace(example, equal=close) for word, example in models().items()},
        strangers={
            "layer": layers.Dense(1),
            "tensor": keras.ops.ones(3),
            "module": tensorflow.library().Module(),
            "class": keras.Model,
        },
        unready={"not built": keras.Sequential([layers.Dense(1)])},
    )
