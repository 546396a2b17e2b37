"""Saved objects below a folder, from their cards alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.errors import FileMissing, InvalidInput, ModelyardError, did_you_mean
from modelyard.base.filters import Field, Filter, comparisons, matches, parse
from modelyard.objects.card import Card
from modelyard.objects.card_file import SUFFIX, read_card
from modelyard.objects.opening import MAX_CARD, Place, card_at, files_below
from modelyard.stores.folders.interface import Folder

COLUMNS = ("path", "kind", "flavor", "format", "labels", "metrics", "created", "description")

_SKIPPED = frozenset([".git", ".venv", "venv", "node_modules", "__pycache__", "site-packages"])


ATTRIBUTES: Mapping[str, Callable[[Card], Any]] = {
    "kind": lambda c: c.kind,
    "flavor": lambda c: c.flavor or None,
    "format": lambda c: c.format.name if c.format else None,
    "tier": lambda c: c.format.tier if c.format else None,
    "labels": lambda c: list(c.labels),
    "description": lambda c: c.description or None,
    "created": lambda c: c.created.at or None,
    "by": lambda c: c.created.by or None,
    "methods": lambda c: list(c.methods),
    "python": lambda c: c.requirements.python or None,
}
"""What ``--where`` can ask for beside ``path``, ``metrics.…``, ``metadata.…`` and ``packages.…``."""
_GROUPS = ("metrics", "metadata", "packages")


def list_objects(
    folder: Path,
    *,
    labels: Sequence[str] = (),
    flavor: str | None = None,
    kind: str | None = None,
    where: str | None = None,
) -> list[dict[str, Any]]:
    """One row an object, sorted by path. A card that cannot be read is a row with its ``error``.

    ``where`` is a filter (`modelyard.base.filters`) over `ATTRIBUTES`, ``path``, ``metrics.…``, ``metadata.…`` and
    ``packages.…``, such as ``metrics.accuracy > 0.9 and flavor = 'sklearn'``.
    """
    if not folder.is_dir():
        raise FileMissing(f"no folder at {folder}")
    names = {p.relative_to(folder).as_posix().removesuffix(SUFFIX): p for p in card_files(folder)}
    return _rows(names, lambda name: read_card(names[name]), labels, flavor, kind, where)


def list_folder(
    folder: Folder,
    path: str = "",
    *,
    labels: Sequence[str] = (),
    flavor: str | None = None,
    kind: str | None = None,
    where: str | None = None,
) -> list[dict[str, Any]]:
    """As `list_objects`, below a path of a folder anywhere: at a revision, in a bucket."""
    there = folder.entry(path)
    if there is None or not there.is_folder:
        raise FileMissing(f"no folder at {folder.ref(path)}")
    above = f"{path}/" if path else ""
    found = {
        entry.path.removeprefix(above).removesuffix(SUFFIX): entry
        for entry in files_below(folder, path)
        if entry.name.endswith(SUFFIX) and not _passed_over(entry.path.removeprefix(above))
    }
    folder.fetch([e.path for e in found.values() if e.size is not None and e.size <= MAX_CARD])

    def read(name: str) -> Card:
        card = card_at(Place(folder, above + name))
        if card is None:
            raise FileMissing(f"{folder.ref(above + name + SUFFIX)} went while it was read")
        return card

    return _rows(found, read, labels, flavor, kind, where)


def _passed_over(path: str) -> bool:
    return any(part in _SKIPPED or part.startswith(".") for part in path.split("/"))


def _rows(
    names: Iterable[str],
    read: Callable[[str], Card],
    labels: Sequence[str],
    flavor: str | None,
    kind: str | None,
    where: str | None,
) -> list[dict[str, Any]]:
    wanted = read_filter(where) if where is not None else None
    rows = [_row(name, read, wanted) for name in sorted(names)]
    return [
        row
        for row in rows
        if row is not None
        and set(labels) <= set(row["labels"])
        and flavor in (None, row["flavor"])
        and kind in (None, row["kind"])
    ]


def read_filter(text: str) -> Filter:
    """A filter over cards; `InvalidInput` for fields that cards do not have, and for comparisons that cannot be true."""
    found = parse(text)
    for comparison in comparisons(found):
        field = comparison.field
        known = [*ATTRIBUTES, "path", *(f"{group}.NAME" for group in _GROUPS)]
        if field.of not in _GROUPS and (field.of or field.name not in known):
            hint = did_you_mean(str(field), known) or f"known: {', '.join(known)}"
            raise InvalidInput(f"cards have no field {str(field)!r}", hint=hint)
        values = comparison.value if isinstance(comparison.value, tuple) else (comparison.value,)
        number = field.of == "metrics" or str(field) == "tier"
        if number and any(isinstance(v, str) for v in values):
            raise InvalidInput(f"{field} is a number, and compared with a text", hint="no quotes")
    return found


def look_up(card: Card, path: str) -> Callable[[Field], Any]:
    """The value of a field of a filter, on a card."""

    def value(field: Field) -> Any:
        match field.of:
            case "metrics":
                return card.metrics.get(field.name)
            case "metadata":
                return _inside(card.metadata, field.name)
            case "packages":
                pairs = (line.partition("==") for line in card.requirements.packages)
                return next((v or None for name, _, v in pairs if name == field.name), None)
            case _:
                return path if field.name == "path" else ATTRIBUTES[field.name](card)

    return value


def _inside(metadata: Mapping[str, Any], name: str) -> Any:
    """A key, or a key of a table within."""
    if name in metadata:
        return metadata[name]
    first, _, rest = name.partition(".")
    inner = metadata.get(first)
    return _inside(inner, rest) if rest and isinstance(inner, Mapping) else None


def card_files(folder: Path) -> Iterator[Path]:
    """All cards below a folder; environments, Git's own files and hidden folders are passed over."""
    for place, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if f not in _SKIPPED and not f.startswith(".")]
        yield from (Path(place, f) for f in files if f.endswith(SUFFIX) and not f.startswith("."))


def _row(name: str, read: Callable[[str], Card], wanted: Filter | None) -> dict[str, Any] | None:
    try:
        card = read(name)
    except (ModelyardError, OSError) as error:
        if wanted is not None:  # nobody knows whether it is one of them
            return None
        message = error.message if isinstance(error, ModelyardError) else str(error)
        empty = dict.fromkeys(COLUMNS, None)
        return {
            **empty,
            "path": name,
            "labels": [],
            "error": message,
            "description": f"unreadable: {message}",
        }
    if wanted is not None and not matches(wanted, look_up(card, name)):
        return None
    return {
        "path": name,
        "kind": card.kind,
        "flavor": card.flavor or None,
        "format": card.format.name if card.format else None,
        "labels": list(card.labels),
        "metrics": dict(card.metrics),
        "created": card.created.at or None,
        "description": card.description,
    }
