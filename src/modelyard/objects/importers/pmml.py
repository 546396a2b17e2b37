"""PMML documents: their dictionary says what the model takes, so they are typed without a sample."""

from __future__ import annotations

from pathlib import Path

from modelyard.base.errors import InvalidInput, ModelyardError
from modelyard.objects.card import Card, FormatInfo, Requirements
from modelyard.objects.formats._pmml import document
from modelyard.objects.formats.pmml import LIBRARIES
from modelyard.objects.importers import packages_of, source_of
from modelyard.objects.source import Source

NAME = "pmml"


def recognises(path: Path) -> bool:
    """By its suffix."""
    return path.suffix.lower() == ".pmml" and path.is_file()


def source(path: Path) -> Source:
    """A document that reaches beyond itself is refused here already."""
    if not path.is_file():
        raise InvalidInput(f"{path} is no file")
    try:
        found = document.read(path.read_bytes())
    except ModelyardError as error:
        raise InvalidInput(f"{path}: {error.message}", hint=error.hint) from error
    signature = found.signature()
    card = Card(
        kind="model",
        flavor="pypmml",
        format=FormatInfo("pmml", 0),
        labels=("pmml",),
        methods={"predict": signature} if signature else {},
        requirements=Requirements(
            packages=packages_of(*LIBRARIES), system=("default-jre-headless",)
        ),
    )
    return source_of(path, card)
