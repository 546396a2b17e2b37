"""Folders of spaCy pipelines, as ``nlp.to_disk`` writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from modelyard.base.errors import InvalidInput
from modelyard.objects.card import Card, FormatInfo, Requirements
from modelyard.objects.importers import source_of
from modelyard.objects.source import Source

NAME = "spacy"

CONFIG, META = "config.cfg", "meta.json"


def recognises(path: Path) -> bool:
    """By the two files that describe a pipeline."""
    return (path / CONFIG).is_file() and (path / META).is_file() and b"[nlp]" in _head(path)


def source(path: Path) -> Source:
    """A pipeline of spaCy's own parts; one that names others is refused when it is loaded, unless it is imported as
    ``spacy_code``."""
    if not recognises(path):
        raise InvalidInput(f"{path} is no folder of a pipeline: it has no {CONFIG} and {META}")
    card = Card(
        kind="model",
        flavor="spacy",
        format=_format(path),
        requirements=Requirements(packages=(_requirement(path),)),
    )
    return source_of(path, card)


def _format(path: Path) -> FormatInfo:
    """Read as a plain text: what stands after ``factory =`` and ``@`` tells which of the two it is."""
    from modelyard.objects.flavors._spacy import allowed

    strange = allowed.strangers_in_text((path / CONFIG).read_text("utf-8", "replace"))
    return FormatInfo("spacy_code", 2, tuple(strange[:20])) if strange else FormatInfo("spacy", 1)


def _requirement(path: Path) -> str:
    try:
        meta: Any = json.loads((path / META).read_bytes())
        wanted = meta["spacy_version"]
    except (ValueError, KeyError, TypeError, OSError):
        return "spacy"
    plain = (
        isinstance(wanted, str) and len(wanted) < 40 and set(wanted) <= set("0123456789.,<>=~! ")
    )
    return f"spacy{wanted}".replace(" ", "") if plain else "spacy"


def _head(path: Path) -> bytes:
    with (path / CONFIG).open("rb") as stream:
        return stream.read(1 << 16)
