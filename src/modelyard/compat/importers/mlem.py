"""``.mlem`` files of all versions, and what they describe: models, data, links and declarations."""

from __future__ import annotations

from pathlib import Path

from modelyard.compat._mlem.layout import SUFFIX, file_of, read_meta
from modelyard.compat._mlem.links import opened
from modelyard.objects.source import Source

NAME = "mlem"


def recognises(path: Path) -> bool:
    """The file itself, or an object that has one beside it."""
    return file_of(path).is_file() and path.name != SUFFIX


def source(path: Path) -> Source:
    """The object; of a link, what it leads to."""
    return opened(read_meta(file_of(path)))
