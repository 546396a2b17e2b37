"""Objects saved at a path of this machine, files that are kept apart from their card included."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from modelyard.base.digests import FileEntry
from modelyard.base.errors import FileMissing
from modelyard.objects.card import Card
from modelyard.objects.card_file import SUFFIX, card_path, read_card
from modelyard.objects.files import ArtifactFiles, FolderOpener, Opener, refuse_extra_files
from modelyard.objects.placing import settle
from modelyard.objects.source import Source
from modelyard.stores.apart import kept_apart
from modelyard.stores.folders.interface import Folder
from modelyard.stores.folders.local import LocalFolder
from modelyard.stores.folders.overlays import overlaid


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
        if (target.parent / name).is_dir() and not (target.parent / name).is_symlink():
            inside = [e for e in card.artifact if e.path.startswith(f"{name}/")]
            refuse_extra_files(target.parent / name, inside)
    files = ArtifactFiles(card.artifact, _opener(target.parent, card), str(target))
    return Source(card, files, name=target.name, ref=str(target))


def _opener(folder: Path, card: Card) -> Opener:
    """The files beside the card; where they are missing, or links to where they are kept, a pointer may tell of them."""
    paths = [folder.joinpath(*entry.path.split("/")) for entry in card.artifact]
    links = any(path.is_symlink() and kept_apart(path) for path in paths)
    if all(map(os.path.lexists, paths)) and not links:
        return FolderOpener(folder)
    return OverlaidOpener(overlaid(LocalFolder(folder)))


class OverlaidOpener:
    """Files of a folder that points to some of them; all are brought here together when the first is opened."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def open(self, entry: FileEntry) -> IO[bytes]:
        """A file, wherever it is kept."""
        return self._folder.open(entry.path)

    def fetch(self, entries: Sequence[FileEntry]) -> None:
        """Bring files here together."""
        self._folder.fetch([entry.path for entry in entries])


def settle_if_there(path: Path) -> None:
    """Finish a committed replacement; a folder we may not write to is left as it is."""
    try:
        settle(path)
    except PermissionError:
        return
