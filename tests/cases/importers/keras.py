"""Files of Keras as Keras writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from cases.flavors.keras import ROWS, functional, made, trained, with_lambda
from modelyard.objects.importers import keras as importer
from modelyard.testing.importers import Foreign, ImporterCase


def saved(build: Callable[[], Any]) -> Callable[[Path], Callable[[Any], Any]]:
    def write(path: Path) -> Callable[[Any], Any]:
        model = made(build)()
        model.save(path)
        return lambda rows: model.predict(rows, verbose=0)

    return write


def legacy() -> Any:
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])


def case() -> ImporterCase:
    return ImporterCase(
        importer=importer,
        files={
            "trained": Foreign("m.keras", saved(trained), "keras", 1, "keras", ROWS),
            "operations": Foreign("o.keras", saved(functional), "keras", 1, "keras", ROWS),
            "code": Foreign("c.keras", saved(with_code), "keras_code", 2, "keras", ROWS),
            "older": Foreign("m.h5", saved(legacy), "keras_h5", 2, "keras", ROWS),
        },
        strangers={
            "m.zip": b"PK\x03\x04",
            "pickle.keras": b"\x80\x04N.",
            "data.h5": b"\x89HDF\r\n\x1a\n" + bytes(3000),
        },
        broken={"cut.keras": (b"PK\x03\x04 and no more", "zip")},
        never_imported=["keras", "tensorflow", "h5py"],
    )


def with_code() -> Any:
    """A lambda; a function that its file names alone would have to be registered by whoever loads it."""
    model = with_lambda()
    return keras.Sequential([keras.Input((4,)), model.layers[0], keras.layers.Dense(2)])
