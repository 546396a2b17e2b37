"""Folders of TensorFlow and of exported Keras models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from cases.flavors.keras import made, trained
from cases.flavors.tensorflow import ROWS, Linear
from modelyard.objects.importers import saved_model as importer
from modelyard.testing.importers import Foreign, ImporterCase


class Fixed(tf.Module):
    """With a signature of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Linear()

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32)])
    def __call__(self, x: Any) -> Any:
        return self.inner(x)


def module(path: Path) -> Callable[[Any], Any]:
    made = Fixed()
    tf.saved_model.save(made, str(path))
    return lambda rows: made(tf.constant(rows))


def exported(path: Path) -> Callable[[Any], Any]:
    made(trained)().export(str(path), verbose=False)
    again = tf.saved_model.load(str(path))
    return lambda rows: again.serve(rows).numpy()


def case() -> ImporterCase:
    return ImporterCase(
        importer=importer,
        files={
            "module": Foreign("linear", module, "savedmodel", 2, "tensorflow", ROWS),
            "exported": Foreign("network", exported, "savedmodel", 2, "tensorflow", ROWS),
        },
        strangers={"m.pb": b""},
        never_imported=["keras", "tensorflow"],
    )
