"""Objects that MLEM saved, written as objects of ours: beside the originals, or in another folder. Nothing is loaded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from modelyard.base.digests import FileEntry, sha256_file
from modelyard.base.errors import FileMissing, ModelyardError
from modelyard.base.notes import collected
from modelyard.base.paths import list_below, replacing
from modelyard.compat._mlem.files import artifacts_of
from modelyard.compat._mlem.layout import INDEX, SUFFIX, Meta, file_of, read_meta
from modelyard.compat._mlem.links import followed, opened, target_of
from modelyard.objects.card import Card
from modelyard.objects.card_file import card_path, read_card, write_card
from modelyard.objects.copying import copy_source
from modelyard.objects.linking import path_ref, write_link
from modelyard.objects.source import Source

OURS = ".yard"
"""Suffix of the folder for an artifact whose own name is taken by the original."""

_SKIPPED = frozenset([".git", ".venv", "venv", "node_modules", "__pycache__", "site-packages"])


@dataclass(frozen=True)
class Converted:
    """What became of one ``.mlem`` file."""

    source: str
    kind: str = ""
    format: str = ""
    tier: int | None = None
    target: str = ""
    status: str = "converted"
    """``converted``, ``there already``, ``would convert`` or ``failed``."""
    error: str = ""
    notes: Sequence[str] = ()

    def row(self) -> dict[str, Any]:
        """As the summary shows it."""
        return asdict(self)


def convert(
    path: str | Path,
    *,
    recursive: bool = False,
    to: str | Path | None = None,
    remove: bool = False,
    dry_run: bool = False,
) -> list[Converted]:
    """Convert one object, or all in a folder (``recursive``: and below it). An object that cannot be converted is a row
    with its error, and the others go on.

    ``to`` is a folder for what is made; without it each card stands beside its original, which stays until ``remove``.
    """
    root = Path(path).expanduser()
    files = list(found(root, recursive))
    if not files:
        raise FileMissing(
            f"no {SUFFIX} file at {root}", hint=None if recursive else "-r looks below"
        )
    base = root if root.is_dir() else root.parent
    rows = [_one(file, base, None if to is None else Path(to), dry_run) for file in files]
    for file, row in zip(files, rows, strict=True):  # when all is there: links lead to originals
        if remove and row.status in ("converted", "there already"):
            _remove(read_meta(file), Path(row.target))
    return rows


def found(root: Path, recursive: bool) -> Iterator[Path]:
    """The ``.mlem`` files meant, sorted; the index folder that old versions kept is looked into as well."""
    if not root.is_dir() or file_of(root).is_file():
        yield from [file_of(root)] if file_of(root).is_file() else []
        return
    if not recursive:
        yield from sorted(p for p in root.glob(f"*{SUFFIX}") if p.is_file())
        return
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in _SKIPPED)
        yield from (Path(folder, n) for n in sorted(names) if n.endswith(SUFFIX) and n != SUFFIX)


def place_of(file: Path, base: Path, to: Path | None) -> Path:
    """Where the object of a file goes: beside it, out of the index folder, or at the same place below ``to``."""
    place = file.with_name(file.name.removesuffix(SUFFIX))
    if not place.resolve().is_relative_to(base.resolve()):
        return place  # a link led out of what is converted
    parts = place.resolve().relative_to(base.resolve()).parts
    if INDEX in parts:
        at = parts.index(INDEX)
        parts = (*parts[:at], *parts[at + 2 :])  # .mlem/<kind>/<name>
    return (base if to is None else to).joinpath(*parts)


def _one(file: Path, base: Path, to: Path | None, dry_run: bool) -> Converted:
    place = place_of(file, base, to)
    row = Converted(source=str(file), target=str(place))
    with collected() as notes:
        try:
            meta = read_meta(file)
            row = replace(row, kind=meta.kind)
            if meta.kind == "link":
                row = _link(row, meta, place, base, to, dry_run)
            else:
                row = _object(row, meta, place, dry_run)
        except (ModelyardError, OSError) as error:
            text = error.message if isinstance(error, ModelyardError) else str(error)
            row = replace(row, status="failed", error=text)
    return replace(row, notes=tuple(notes))


def _link(
    row: Converted, meta: Meta, place: Path, base: Path, to: Path | None, dry_run: bool
) -> Converted:
    followed(meta)  # circles and dead ends are told
    there = place_of(target_of(meta), base, to)
    if dry_run:
        return replace(row, status="would convert")
    write_link(path_ref(there, place), place)
    return row


def _object(row: Converted, meta: Meta, place: Path, dry_run: bool) -> Converted:
    source = opened(meta)
    card = source.card
    if card.format is not None:
        row = replace(row, format=card.format.name, tier=card.format.tier)
    if card_path(place).exists() and _same(read_card(card_path(place)), card):
        return replace(row, status="there already")
    if dry_run:
        source.files.verify()
        return replace(row, status="would convert")
    if not place.exists():
        copy_source(source, place)
    elif (entries := _where_they_are(meta, source, place)) is not None:
        write_card(card.but(artifact=entries), card_path(place))
    else:
        _beside(source, place)
    return row


def _same(ours: Card, theirs: Card) -> bool:
    """Whether a card says of its files what was found now."""
    mine = sorted((e.size, e.sha256) for e in ours.artifact)
    return mine == sorted((e.size, e.sha256) for e in theirs.artifact) and ours.kind == theirs.kind


def _where_they_are(meta: Meta, source: Source, place: Path) -> tuple[FileEntry, ...] | None:
    """The files as they lie, when our card can name them there: one file, or a folder that holds them and no other."""
    entries = source.card.artifact
    if len(entries) == 1:
        [piece] = artifacts_of(meta).values()
        file = piece.root.joinpath(*piece.path.split("/"))
        if not file.is_relative_to(place.parent):
            return None
        inner = file.relative_to(place.parent).as_posix()
        alone = "/" not in inner or list_below(file.parent) == [file.name]
        return (replace(entries[0], path=inner),) if alone and inner.count("/") < 2 else None
    for entry in entries:
        file = place.parent.joinpath(*entry.path.split("/"))
        if not file.is_file() or sha256_file(file) != (entry.sha256, entry.size):
            return None
    names = [e.path.removeprefix(f"{place.name}/") for e in entries]
    return tuple(entries) if place.is_dir() and list_below(place) == sorted(names) else None


def _beside(source: Source, place: Path) -> None:
    """The artifact in a folder of its own, since the original has its name."""
    folder = place.with_name(place.name + OURS)
    entries: list[FileEntry] = []
    with replacing(folder) as work:
        for inner, entry in zip(source.files.names(), source.card.artifact, strict=True):
            out = work.joinpath(*inner.split("/"))
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_bytes(source.files.read(inner))
            entries.append(replace(entry, path=f"{folder.name}/{inner}"))
    write_card(source.card.but(artifact=tuple(entries)), card_path(place))


def _remove(meta: Meta, place: Path) -> None:
    """Take away an original: its description, its files where our card does not name them, and folders left empty."""
    card = read_card(card_path(place))
    ours = {place.parent.joinpath(*e.path.split("/")).resolve() for e in card.artifact}
    for piece in artifacts_of(meta).values():
        file = piece.root.joinpath(*piece.path.split("/"))
        if file.resolve() in ours:
            continue
        file.unlink(missing_ok=True)
        for folder in file.parents:
            if folder == piece.root or any(folder.iterdir()):
                break
            folder.rmdir()
    meta.path.unlink()
    if place.with_name(place.name + OURS).is_dir() and not place.exists():
        _settle(place)


def _settle(place: Path) -> None:
    """Give an artifact the name that its original has left."""
    folder = place.with_name(place.name + OURS)
    card = read_card(card_path(place))
    entries = tuple(
        replace(e, path=f"{place.name}/{e.path.split('/', 1)[1]}") for e in card.artifact
    )
    folder.rename(place)
    write_card(card.but(artifact=entries), card_path(place))
