"""Which name is what in a folder: ``artifacts.yaml``, the ``artifacts:`` of ``dvc.yaml``, and the cards of saved objects.

``{name: {path, type, labels, desc or description}}``, paths from the file's own folder. A name of a sub-folder's file is
``folder:name``, as in the tags. A saved object that no such file names is called as the last segment of its path; two of
one name are told apart by such a file. What cannot be read is passed over with a note that names it.

>>> names_in(GitFolder(repository, commit))["churn"].path  # doctest: +SKIP
'models/churn'
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelyard.base.errors import Conflict, InvalidName, ModelyardError, did_you_mean
from modelyard.base.names import check_name
from modelyard.base.notes import note
from modelyard.stores.folders.interface import Folder, Known
from modelyard.stores.plain_yaml import read_yaml

PIPELINE = "dvc.yaml"
INDEX = "artifacts.yaml"
FILES = (PIPELINE, INDEX)
"""Where names are written down, the first that has one wins."""
CARD = ".yard.yaml"

_MAX_BYTES = 8 << 20
_MODEL = re.compile(rb"^kind:[ \t]*['\"]?model\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a name stands for."""

    name: str
    """With its folder: ``cv:net``."""
    path: str
    """From the root of the `Folder`."""
    said: str
    """The file that says so: an annotations' file, or the object's own card."""
    type: str = ""
    description: str = ""
    labels: tuple[str, ...] = field(default=())


def annotation_of(folder: Folder, name: str) -> Annotation | None:
    """What a name stands for; None where nothing says so. `Conflict` where several saved objects have it."""
    below, _, plain = name.rpartition(":")
    for file in FILES:
        found = written(folder, below, file).get(name)
        if found is not None:
            return found
    return _by_card(folder, below, plain, name)


def names_in(folder: Folder) -> dict[str, Annotation]:
    """Every name in a folder and its sub-folders: those written down, and the models that have only a card."""
    found: dict[str, Annotation] = {}
    cards: list[str] = []
    for path in files_below(folder):
        below, _, file = path.rpartition("/")
        if file in FILES:
            found |= {**written(folder, below, file), **found}
        elif file.endswith(CARD) and file != CARD:
            cards.append(path)
    known = {annotation.path for annotation in found.values()}
    cards = [card for card in cards if card.removesuffix(CARD) not in known]
    folder.fetch(cards)
    for card in cards:
        path = card.removesuffix(CARD)
        name = posixpath.basename(path)
        if name not in found and is_name(name) and _is_model(folder, card):
            found[name] = Annotation(name, path, card, type="model")
    return dict(sorted(found.items()))


def named_at(folder: Folder, path: str) -> Annotation | None:
    """The name that is written down for a path, in the files of the folders above it; None where none is."""
    place = path
    while place:
        place = posixpath.dirname(place)
        for file in FILES:
            for annotation in written(folder, place, file).values():
                if annotation.path == path:
                    return annotation
    return None


def written(folder: Folder, below: str, file: str) -> Mapping[str, Annotation]:
    """What one file says, by full name. Nothing where it is absent or cannot be read, which is told."""
    where = posixpath.join(below, file)
    entry = folder.entry(where)
    if entry is None or entry.is_folder:
        return {}
    try:
        return dict(_read(folder, below, where, file))
    except ModelyardError as error:
        note(f"annotations are passed over: {error.message}")
        return {}


def _read(folder: Folder, below: str, where: str, file: str) -> Iterator[tuple[str, Annotation]]:
    with folder.open(where) as stream:
        data = stream.read(_MAX_BYTES + 1)
    told: Any = yaml(data, folder.ref(where))
    if file == PIPELINE:
        told = told.get("artifacts") if isinstance(told, dict) else None
    if told is None:
        return
    if not isinstance(told, dict):
        note(f"annotations are passed over: {folder.ref(where)} holds no names")
        return
    for plain, value in told.items():
        name = f"{below}:{plain}" if below else str(plain)
        path = value.get("path") if isinstance(value, dict) else None
        inside = posixpath.normpath(posixpath.join(below, str(path or "")))
        if (
            not path
            or inside.startswith(("../", "/"))
            or inside in ("..", ".")
            or not is_name(name)
        ):
            note(f"{folder.ref(where)}: {plain!r} is passed over: it needs a name for tags and a path in here")  # fmt: skip
            continue
        labels = value.get("labels")
        yield (
            name,
            Annotation(
                name,
                inside,
                where,
                type=str(value.get("type") or ""),
                description=str(value.get("desc") or value.get("description") or ""),
                labels=tuple(map(str, labels)) if isinstance(labels, list) else (),
            ),
        )


def yaml(data: bytes, where: str) -> Any:
    """Mappings, lists and texts; `InvalidInput` with the line."""
    return read_yaml(data, where, aliases=True)


def is_name(name: str) -> bool:
    """Whether tags can have it."""
    try:
        check_name(name, registry="git")
    except InvalidName:
        return False
    return True


def _by_card(folder: Folder, below: str, plain: str, name: str) -> Annotation | None:
    exact = posixpath.join(below, plain)
    if folder.entry(exact + CARD) is not None:
        return Annotation(name, exact, exact + CARD)
    ends = f"/{plain}{CARD}"
    inside = f"{below}/" if below else ""
    found = [p for p in files_below(folder) if f"/{p}".endswith(ends) and p.startswith(inside)]
    if len(found) > 1:
        paths = ", ".join(card.removesuffix(CARD) for card in found[:5])
        raise Conflict(
            f"{len(found)} objects in {folder.label} are called {plain!r}: {paths}",
            hint=f"say in {INDEX} which one {name!r} is, as in {plain}: {{path: {found[0].removesuffix(CARD)}}}",
        )
    return Annotation(name, found[0].removesuffix(CARD), found[0]) if found else None


def files_below(folder: Folder, path: str = "") -> Iterator[str]:
    """The paths of all files below a folder; hidden folders are not looked into."""
    if isinstance(folder, Known) and not path:
        yield from (p for p in folder.paths() if "/." not in f"/{p.rpartition('/')[0]}")
        return
    for entry in folder.list(path):
        if not entry.is_folder:
            yield entry.path
        elif not entry.name.startswith("."):
            yield from files_below(folder, entry.path)


def _is_model(folder: Folder, card: str) -> bool:
    with folder.open(card) as stream:
        return _MODEL.search(stream.read(_MAX_BYTES)) is not None


def near_names(folder: Folder, name: str) -> str | None:
    """A hint with the nearest of the names in a folder."""
    return did_you_mean(name, names_in(folder))
