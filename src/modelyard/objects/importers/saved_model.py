"""SavedModel folders of TensorFlow, and of Keras models that were exported."""

from __future__ import annotations

from pathlib import Path

from modelyard.base.errors import InvalidInput
from modelyard.objects.card import Card, FormatInfo, Requirements
from modelyard.objects.importers import packages_of, source_of
from modelyard.objects.source import Source

NAME = "saved_model"

PROTO = "saved_model.pb"
REASON = "a SavedModel: its graphs can read and write files"


def recognises(path: Path) -> bool:
    """By the file that such a folder has."""
    return path.is_dir() and (path / PROTO).is_file()


def source(path: Path) -> Source:
    """All files of the folder; running a graph is running code."""
    if not recognises(path):
        raise InvalidInput(f"{path} is no SavedModel folder: it has no {PROTO}")
    card = Card(
        kind="model",
        flavor="tensorflow",
        format=FormatInfo("savedmodel", 2, (REASON,)),
        requirements=Requirements(packages=packages_of("tensorflow")),
    )
    return source_of(path, card)
