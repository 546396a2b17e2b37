"""Folders of pipelines as spaCy writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cases.flavors.spacy import TEXTS
from cases.flavors.spacy import case as flavor_case
from modelyard.objects.flavors import spacy as flavor
from modelyard.objects.importers import spacy as importer
from modelyard.testing.importers import Foreign, ImporterCase


def written(word: str) -> Callable[[Path], Callable[[Any], Any]]:
    def write(path: Path) -> Callable[[Any], Any]:
        model = flavor_case().models[word].make()
        model.to_disk(path)
        return flavor.methods(model)["predict"]

    return write


def case() -> ImporterCase:
    own = "components of one's own"
    return ImporterCase(
        importer=importer,
        files={
            "trained": Foreign("nlp", written("entities and kinds"), "spacy", 1, "spacy", TEXTS),
            "own": Foreign("own", written(own), "spacy_code", 2, "spacy", TEXTS),
        },
        strangers={"config.cfg": b"[nlp]", "notes.json": b"{}"},
        never_imported=["spacy", "thinc"],
    )
