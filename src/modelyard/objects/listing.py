"""Saved objects below a folder, from their cards alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.errors import FileMissing, ModelyardError
from modelyard.objects.card_file import SUFFIX, read_card

COLUMNS = ("path", "kind", "flavor", "format", "labels", "metrics", "created", "description")

_SKIPPED = frozenset([".git", ".venv", "venv", "node_modules", "__pycache__", "site-packages"])


def list_objects(
    folder: Path, *, labels: Sequence[str] = (), flavor: str | None = None, kind: str | None = None
) -> list[dict[str, Any]]:
    """One row an object, sorted by path. A card that cannot be read is a row with its ``error``."""
    if not folder.is_dir():
        raise FileMissing(f"no folder at {folder}")
    rows = [_row(path, folder) for path in sorted(card_files(folder))]
    return [
        row
        for row in rows
        if set(labels) <= set(row["labels"])
        and flavor in (None, row["flavor"])
        and kind in (None, row["kind"])
    ]


def card_files(folder: Path) -> Iterator[Path]:
    """All cards below a folder; environments, Git's own files and hidden folders are passed over."""
    for place, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if f not in _SKIPPED and not f.startswith(".")]
        yield from (Path(place, f) for f in files if f.endswith(SUFFIX) and not f.startswith("."))


def _row(path: Path, folder: Path) -> dict[str, Any]:
    name = path.relative_to(folder).as_posix().removesuffix(SUFFIX)
    try:
        card = read_card(path)
    except (ModelyardError, OSError) as error:
        message = error.message if isinstance(error, ModelyardError) else str(error)
        empty = dict.fromkeys(COLUMNS, None)
        return {
            **empty,
            "path": name,
            "labels": [],
            "error": message,
            "description": f"unreadable: {message}",
        }
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
