"""What the shell offers after Tab: saved objects of the folder, and names of the project's registry.

A key was pressed: so cards are found by their file names, the yard is read with the standard library alone, and what
cannot be read is no error, only nothing to offer.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from modelyard.base.config import default_uri, settings
from modelyard.base.errors import ModelyardError
from modelyard.base.project import find_root

SUFFIX = ".yard.yaml"
DEPTH = 3
"""Folders below the current one in which saved objects are looked for."""
MOST = 200


def complete_ref(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Paths of saved objects, then registered names."""
    words = [*saved_objects(incomplete), *registered_names()]
    return [CompletionItem(w) for w in dict.fromkeys(words) if w.startswith(incomplete)][:MOST]


def complete_name(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Registered names."""
    return [CompletionItem(w) for w in registered_names() if w.startswith(incomplete)][:MOST]


def saved_objects(incomplete: str) -> list[str]:
    """Saved objects below the folder that the word begun names, without reading a card."""
    folder = incomplete.rpartition("/")[0]
    start = Path(folder or ("/" if incomplete.startswith("/") else "."))
    found: list[str] = []
    for depth in range(DEPTH):
        with contextlib.suppress(OSError):
            cards = start.glob("/".join(["[!.]*"] * depth + [f"[!.]*{SUFFIX}"]))
            found += [card.as_posix().removesuffix(SUFFIX) for card in cards]
    return sorted(found)


def registered_names() -> list[str]:
    """Names of models in the project's registry: its Git tags, or its yard, when that is a file."""
    from modelyard.yard.registries import names_by_tags, registry_of

    try:
        root = find_root()
        if registry_of() == "git":
            return names_by_tags(root)
        uri = default_uri(settings(root))
    except (ModelyardError, OSError):
        return []
    path = Path(uri.removeprefix("sqlite:///")).absolute()
    if "://" in uri.removeprefix("sqlite:///") or not path.is_file():
        return []
    import sqlite3

    # Nobody has it open: then it is read as it is, and SQLite leaves no files beside it.
    still = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(
            sqlite3.connect(f"{path.as_uri()}?mode=ro{still}", uri=True, timeout=1)
        ) as yard,
    ):
        return [str(name) for (name,) in yard.execute("SELECT name FROM my_models ORDER BY name")]
    return []
