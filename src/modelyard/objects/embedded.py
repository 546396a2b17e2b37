"""Open a model that lives inside a package built by ``build wheel``: no YAML, no registry, no settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelyard.objects.card_reader import card_from_plain
from modelyard.objects.files import ArtifactFiles, FolderOpener
from modelyard.objects.load import load_model
from modelyard.objects.model import Model
from modelyard.objects.source import Source
from modelyard.types.arguments import check_arguments


def open_embedded(folder: Path) -> Model:
    """The model in a folder with ``card.json`` and ``artifact``; verified, and trusted because it was installed."""
    card = card_from_plain(json.loads((folder / "card.json").read_text("utf-8")), "card.json")
    files = ArtifactFiles(card.artifact, FolderOpener(folder), folder.parent.name)
    source = Source(card, files, name=folder.parent.name, trusted=True)
    return load_model(source, check_env="off")


def call(model: Model, method: str, arguments: Mapping[str, Any]) -> Any:
    """A method with its arguments checked and put in order as everywhere in modelyard."""
    return model.call(method, **check_arguments(model.signature(method), arguments))
