"""Where a saved object comes from: its card, its verified files, and what is known about the place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelyard.base.errors import FileMissing
from modelyard.objects.card import Card
from modelyard.objects.card_file import SUFFIX, card_path, read_card
from modelyard.objects.files import ArtifactFiles, FolderOpener, refuse_extra_files
from modelyard.objects.placing import settle


@dataclass(frozen=True)
class Source:
    """A resolved object, not loaded yet."""

    card: Card
    files: ArtifactFiles
    name: str
    """For people and URLs: the last segment of a path, or the registered name."""
    version: str = ""
    trusted: bool = False
    """Whether the place itself vouches for it: a registry that the reader's own configuration names."""
    provenance: Mapping[str, Any] = field(default_factory=dict[str, Any])
    ref: str = ""
    """How people refer to it, for messages."""
    outlined: bool = False
    """Whether the card was made from another tool's words, which name few of the methods: the loaded object has more."""


def object_exists(path: Path) -> bool:
    """Whether a saved object (or one whose replacement is to be finished) stands at a path."""
    settle_if_there(path)
    return card_path(path).is_file()


def local_source(path: str | Path) -> Source:
    """The object saved at a path. Absent: `FileMissing`. Reads the card only; files are checked when opened."""
    target = Path(str(path).removesuffix(SUFFIX)).expanduser()
    settle_if_there(target)
    if not card_path(target).is_file():
        raise FileMissing(f"no object at {target} (there is no {card_path(target).name})")
    card = read_card(card_path(target))
    for name in dict.fromkeys(e.path.split("/", 1)[0] for e in card.artifact if "/" in e.path):
        if (target.parent / name).is_dir():
            inside = [e for e in card.artifact if e.path.startswith(f"{name}/")]
            refuse_extra_files(target.parent / name, inside)
    files = ArtifactFiles(card.artifact, FolderOpener(target.parent), str(target))
    return Source(card, files, name=target.name, ref=str(target))


def settle_if_there(path: Path) -> None:
    """Finish a committed replacement; a folder we may not write to is left as it is."""
    try:
        settle(path)
    except PermissionError:
        return
