"""Folders of Spark ML models."""

from __future__ import annotations

from pathlib import Path

from modelyard.base.errors import InvalidInput, ModelyardError
from modelyard.objects.card import Card, FormatInfo, Requirements
from modelyard.objects.flavors._pyspark import folder
from modelyard.objects.importers import packages_of, source_of
from modelyard.objects.source import Source

NAME = "spark"


def recognises(path: Path) -> bool:
    """By the first line of its ``metadata``."""
    found = sorted((path / "metadata").glob("part-*")) if path.is_dir() else []
    if not found:
        return False
    with found[0].open("rb") as stream:
        head = stream.read(4096)
    return head.startswith(b"{") and b'"sparkVersion"' in head and b'"class"' in head


def source(path: Path) -> Source:
    """Its card says which classes keep it from being read without trust, if any do."""
    if not path.is_dir():
        raise InvalidInput(f"{path} is no folder of a Spark ML model")
    card = Card(
        kind="model",
        flavor="pyspark",
        requirements=Requirements(
            packages=packages_of("pyspark"), system=("default-jre-headless",)
        ),
    )
    bare = source_of(path, card.but(format=FormatInfo("spark", 1)))
    try:
        strange = folder.strangers(bare.files)
    except ModelyardError as error:
        raise InvalidInput(f"{path}: {error.message}") from error
    if not strange:
        return bare
    return source_of(path, card.but(format=FormatInfo("spark_code", 2, tuple(strange[:20]))))
