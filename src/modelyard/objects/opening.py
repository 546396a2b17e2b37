"""What stands in a folder anywhere: at a commit, in a bucket, behind a URL. An object of ours is read through the folder,
file by file and verified; what another tool saved is brought here first, for its importer."""

from __future__ import annotations

import posixpath
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from modelyard.base.digests import CHUNK, FileEntry
from modelyard.base.errors import (
    Corrupted,
    FileMissing,
    InvalidCard,
    InvalidReference,
    NotAllowed,
    NotSupported,
    TooLarge,
    did_you_mean,
)
from modelyard.objects.card import Card
from modelyard.objects.card_file import SUFFIX, parse_card
from modelyard.objects.files import ArtifactFiles
from modelyard.objects.importers import open_path, openable
from modelyard.objects.linking import Named, followed
from modelyard.objects.source import Source
from modelyard.stores.folders.interface import Entry, Flat, Folder
from modelyard.stores.folders.remote import Ranged

MAX_CARD = 8 << 20
MAX_FILES = 10_000
"""Of one object of another tool."""


@dataclass(frozen=True)
class Place:
    """A path in a folder."""

    folder: Folder
    path: str = ""

    def at(self, path: str) -> Place:
        """Where a relative path leads from here. `InvalidReference` for one that leaves the folder."""
        joined = posixpath.normpath(posixpath.join("/", self.path, path))
        inside = posixpath.normpath(posixpath.join(self.path, path))
        if path.startswith(("/", "~")) or inside == ".." or inside.startswith("../"):
            raise InvalidReference(f"{path} leads out of {self.folder.label}")
        return Place(self.folder, joined.strip("/"))

    @property
    def ref(self) -> str:
        """The reference that opens it again."""
        return self.folder.ref(self.path)


def source_at(place: Place, named: Named | None = None) -> Source:
    """The object at a place: one of ours by its card, else what another tool saved there. Links are followed within the
    folder; ``named`` opens those that lead to a registered name.

    Absent: `FileMissing`. Nothing is loaded; files are fetched when they are opened.
    """
    place = Place(place.folder, place.path.removesuffix(SUFFIX))
    places: dict[str, Place] = {}

    def opened(at: Place) -> Source:
        found = _opened(at)
        places[found.ref] = at
        return found

    def step(link: Source, text: str) -> Source:
        at = places[link.ref]
        return opened(Place(at.folder, posixpath.dirname(at.path)).at(text))

    return followed(opened(place), step, named)


def exists_at(place: Place) -> bool:
    """Whether a card stands at a place, or something that `source_at` may be able to open."""
    path = place.path.removesuffix(SUFFIX)
    return bool(path) and (
        place.folder.entry(path + SUFFIX) is not None or place.folder.entry(path) is not None
    )


def _opened(place: Place) -> Source:
    card = card_at(place)
    if card is None:
        return _foreign(place)
    folder, above = place.folder, posixpath.dirname(place.path)
    _refuse_extra_files(folder, above, card)
    files = ArtifactFiles(card.artifact, _Below(folder, above), place.ref)
    return Source(
        card,
        files,
        name=posixpath.basename(place.path),
        provenance=folder.provenance,
        ref=place.ref,
    )


def card_at(place: Place) -> Card | None:
    """The card of the object at a place; None when there is none."""
    path = place.path + SUFFIX
    if not place.path or (there := place.folder.entry(path)) is None or there.is_folder:
        return None
    where = place.folder.ref(path)
    with place.folder.open(path) as stream:
        data = stream.read(MAX_CARD + 1)
    if len(data) > MAX_CARD:
        raise TooLarge(f"{where}: a card has at most {MAX_CARD >> 20} MB")
    try:
        return parse_card(data.decode("utf-8"), where)
    except UnicodeDecodeError as error:
        raise InvalidCard(f"{where}: not UTF-8 text (byte {error.start})") from None


class _Below:
    """The files of a card, which names them from its own folder. Those of a folder that gives parts of files are kept
    here under their digest, so that they come once."""

    def __init__(self, folder: Folder, above: str) -> None:
        self._folder, self._above = folder, above

    def open(self, entry: FileEntry) -> IO[bytes]:
        """A file."""
        if isinstance(self._folder, Ranged):
            from modelyard.stores.folders.fetching import open_entry

            return open_entry(self._folder, self._path(entry), entry)
        return self._folder.open(self._path(entry))

    def fetch(self, entries: Sequence[FileEntry]) -> None:
        """Bring all files of the artifact here together."""
        if isinstance(self._folder, Ranged):
            from modelyard.stores.folders.fetching import fetch_entries

            fetch_entries(self._folder, [(self._path(entry), entry) for entry in entries])
        else:
            self._folder.fetch([self._path(entry) for entry in entries])

    def _path(self, entry: FileEntry) -> str:
        return posixpath.join(self._above, entry.path)


def _refuse_extra_files(folder: Folder, above: str, card: Card) -> None:
    """A file that the card does not name is refused, where the folder can tell what there is."""
    known = {entry.path for entry in card.artifact}
    try:
        for name in dict.fromkeys(path.split("/", 1)[0] for path in known if "/" in path):
            for entry in files_below(folder, posixpath.join(above, name)):
                path = posixpath.relpath(entry.path, above or ".")
                if path not in known:
                    raise Corrupted(
                        f"{folder.ref(posixpath.join(above, name))}: the file {path!r} is not on its card",
                        hint="remove it, or save the object again",
                    )
    except (NotSupported, NotAllowed):  # who may read files may not always list them
        return


def files_below(folder: Folder, path: str) -> Iterator[Entry]:
    """All files below a folder, or the file that stands there; nothing when nothing does."""
    entry = folder.entry(path)
    if entry is None:
        return
    if not entry.is_folder:
        yield entry
        return
    if isinstance(folder, Flat):
        yield from folder.files_below(path)
        return
    for inner in folder.list(path):
        if inner.is_folder:
            yield from files_below(folder, inner.path)
        else:
            yield inner


# What another tool saved


def _foreign(place: Place) -> Source:
    scratch = Path(tempfile.mkdtemp(prefix="modelyard-"))
    try:
        local = brought(place, scratch)
        if not openable(local):
            raise _absent(place)
        found = open_path(local)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    weakref.finalize(found.files, shutil.rmtree, scratch, ignore_errors=True)
    name = posixpath.basename(place.path) or found.name
    return replace(found, name=name, provenance=place.folder.provenance, ref=place.ref)


def brought(place: Place, target: Path) -> Path:
    """Copy what stands at a place, and the files beside it that have its name and a suffix, into a folder here; returns
    where it lies then. `FileMissing` when nothing is there."""
    name = posixpath.basename(place.path)
    above = posixpath.dirname(place.path)
    entries = _beside(place, above, name)
    if len(entries) > MAX_FILES:
        raise TooLarge(f"{place.ref} has more than {MAX_FILES} files")
    place.folder.fetch([entry.path for entry in entries])
    local = target / (name or "object")
    for entry in entries:
        inner = entry.path.removeprefix(f"{above}/" if above else "")
        file = target / inner if name else local / inner
        file.parent.mkdir(parents=True, exist_ok=True)
        with place.folder.open(entry.path) as stream, file.open("wb") as copy:
            shutil.copyfileobj(stream, copy, CHUNK)
    return local


def _beside(place: Place, above: str, name: str) -> list[Entry]:
    folder = place.folder
    there = folder.entry(place.path)
    if there is not None and there.is_folder and (cards := cards_in(folder, place.path)):
        names = ", ".join(cards[:5]) + (" …" if len(cards) > 5 else "")
        raise FileMissing(
            f"{place.ref} is a folder of objects, not an object", hint=f"it has: {names}"
        )
    found = list(files_below(folder, place.path))
    if name:
        try:
            siblings = folder.list(above)
        except (NotSupported, FileMissing):
            siblings = []
        for entry in siblings:
            if entry.name.startswith(f"{name}."):
                found += files_below(folder, entry.path)
    if not found:
        raise _absent(place)
    return found


def cards_in(folder: Folder, path: str) -> list[str]:
    """The names of the objects that have a card directly in a folder."""
    return [
        e.name.removesuffix(SUFFIX)
        for e in folder.list(path)
        if not e.is_folder and e.name.endswith(SUFFIX)
    ]


def _absent(place: Place) -> FileMissing:
    above, name = posixpath.dirname(place.path), posixpath.basename(place.path)
    try:
        names = cards_in(place.folder, above)
    except (NotSupported, FileMissing):
        names = []
    near = did_you_mean(name, names)
    listed = f"there are: {', '.join(names[:10])}" if names else None
    return FileMissing(
        f"no object at {place.ref} (there is no {name + SUFFIX})", hint=near or listed
    )
