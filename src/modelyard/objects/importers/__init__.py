"""What other tools saved, opened as if it had a card: one file for each kind.

An importer looks at a path and, when what stands there is of its kind, answers with a `Source`: a card made up from
what it finds, and the files with the digests they have now. Nothing is loaded or imported on the way, and trust is decided
later, by the same rules as for objects of our own. So whatever can be opened can be loaded, applied, served, built and
registered; `import` is no more than a copy with a card beside it.

How to add one: write ``importers/<name>.py`` with the names of `Importer`, and a case file
``tests/cases/importers/<name>.py``. Importers of what one product writes are named after it, in ``compat/importers``.
"""

from __future__ import annotations

import contextlib
import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from modelyard.base import plugins
from modelyard.base.digests import FileEntry, sha256_file
from modelyard.base.errors import FileMissing, InvalidInput, UnsupportedFormat, did_you_mean
from modelyard.base.paths import list_below
from modelyard.objects.card import Card, FormatInfo, Requirements
from modelyard.objects.card_file import SUFFIX
from modelyard.objects.files import ArtifactFiles, FolderOpener
from modelyard.objects.interface import Tier
from modelyard.objects.linking import Named, followed
from modelyard.objects.saved import local_source, object_exists
from modelyard.objects.source import Source

_ANY_DATA = "data"
"""The importer that is asked last: others know better what some of its suffixes hold."""


class Importer(Protocol):
    """A module in ``objects/importers`` or ``compat/importers``."""

    NAME: str
    """What ``--type`` calls it."""

    def recognises(self, path: Path) -> bool:
        """Whether what stands at a path is of this kind, by its name and at most its first bytes. The path may be
        absent, when only something beside it has that name."""
        ...

    def source(self, path: Path) -> Source:
        """A card for what is there, and its files. `InvalidInput` says what is wrong with it."""
        ...


def open_path(path: str | Path, named: Named | None = None) -> Source:
    """What stands at a path: an object of ours by its card, else what another tool saved there. Links are followed;
    ``named`` opens those that lead to a registered name.

    Absent: `FileMissing`. Nothing is loaded.
    """
    return followed(_open(Path(path)), _beside, named)


def _beside(link: Source, text: str) -> Source:
    return _open(Path(link.card.path).parent / Path(text).expanduser())


def _open(path: Path) -> Source:
    target = Path(str(path).removesuffix(SUFFIX)).expanduser()
    if not object_exists(target) and (found := recognised(target)) is not None:
        return found.source(target)
    return local_source(target)


def openable(path: Path) -> bool:
    """Whether `open_path` finds something."""
    return object_exists(path) or recognised(path.expanduser()) is not None


def recognised(path: Path) -> Importer | None:
    """The importer that knows what stands at a path, or has its description beside it (``rf.mlem``); or None."""
    if not path.exists() and not any(path.parent.glob(f"{glob.escape(path.name)}.*")):
        return None
    for name in sorted(plugins.names("importers"), key=lambda name: (name == _ANY_DATA, name)):
        found = plugins.find("importers", name)
        if found is not None and found.recognises(path):
            return cast(Importer, found)
    return None


def foreign_source(path: Path, type: str | None = None) -> Source:
    """What another tool saved at a path.

    ``type`` says what it is where the name of the file does not tell: an importer (``onnx``), or a format of data
    (``csv``, also as in ``pandas[csv]``). With ``pickle`` or ``joblib`` a file is read as code, even if it could be read
    without.
    """
    if not path.exists():
        raise FileMissing(f"no file or folder at {path}")
    if type is not None:
        return told_source(path, type)
    found = recognised(path)
    if found is None:
        raise UnsupportedFormat(
            f"{path} is nothing that can be opened here",
            hint=f"say what it is with type=, one of: {', '.join(plugins.names('importers'))}",
        )
    return found.source(path)


def told_source(path: Path, type: str) -> Source:
    """What stands at a path, by somebody's word for it; `InvalidInput` lists the words."""
    word = type.partition("[")[2].rstrip("]") or type
    word = "pickle" if word == "joblib" else word
    if word in plugins.names("importers"):
        found = named(word)
        return cast(Source, getattr(found, "as_told", found.source)(path))
    form = plugins.find("formats", word) if word.isidentifier() else None
    if form is None or not hasattr(form, "can_hold"):
        known = plugins.names("importers")
        raise InvalidInput(
            f"nothing is imported as {type!r}",
            hint=did_you_mean(word, known) or f"known: {', '.join(known)}, and formats of data",
        )
    return data_source(path, form)


def named(name: str) -> Importer:
    """The importer of that name; `InvalidInput` lists the known ones."""
    found = plugins.find("importers", name)
    if found is None:
        known = plugins.names("importers")
        raise InvalidInput(
            f"no importer is called {name!r}",
            hint=did_you_mean(name, known) or f"known: {', '.join(known)}",
        )
    return cast(Importer, found)


def source_of(path: Path, card: Card, files: Sequence[str] | None = None) -> Source:
    """A source of a card and of files: those of ``files`` below a folder, by default all, or the one file at ``path``."""
    if path.is_file():
        entries, root = (_entry(path, path.name),), path.parent
    else:
        names = list_below(path) if files is None else files
        entries = tuple(_entry(path / n, f"{path.name}/{n}") for n in names)
        root = path.parent
    card = card.but(artifact=entries)
    reader = ArtifactFiles(entries, FolderOpener(root), str(path))
    return Source(card, reader, name=path.name.partition(".")[0] or path.name, ref=str(path))


def files_source(path: Path, names: Sequence[str], card: Card) -> Source:
    """A source of files that lie side by side in the folder of ``path``, which is one of them."""
    if len(names) == 1:
        return source_of(path, card)
    entries = tuple(_entry(path.parent / name, name) for name in names)
    reader = ArtifactFiles(entries, FolderOpener(path.parent), str(path))
    return Source(card.but(artifact=entries), reader, name=path.stem, ref=str(path))


def _entry(path: Path, name: str) -> FileEntry:
    sha256, size = sha256_file(path)
    return FileEntry(name, size, sha256)


def model_source(
    path: Path, flavor: str, format: str, tier: Tier = 0, *, libraries: Sequence[str] = ()
) -> Source:
    """A source of one file that a library wrote; what it needs are the versions that are here."""
    packages = packages_of(flavor, *libraries)
    return source_of(
        path,
        Card(
            flavor=flavor,
            format=FormatInfo(format, tier),
            requirements=Requirements(packages=packages),
        ),
    )


def data_source(path: Path, form: Any) -> Source:
    """A source of one file of data."""
    card = Card(kind="data", format=FormatInfo(form.NAME, form.TIER))
    return source_of(path, card)


def packages_of(*modules: str) -> tuple[str, ...]:
    """Requirement lines of those import names whose packages are installed here; nothing is imported."""
    from modelyard import environments

    found = environments.Captured()
    for name in filter(None, modules):
        with contextlib.suppress(InvalidInput):  # not here, or code of somebody's own
            found = found.including(name)
    return found.lines()


def begins(path: Path, suffixes: Sequence[str], *starts: bytes) -> bool:
    """Whether a file has one of the suffixes and begins with one of these bytes."""
    if path.suffix.lower() not in suffixes or not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(max(map(len, starts))).startswith(starts)
