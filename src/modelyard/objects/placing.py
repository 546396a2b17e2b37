"""Put an artifact and its card into place so that a reader sees the old pair or the new pair, never a mixture.

A new pair is prepared in a folder beside the target; one rename of that folder to a known name is the commit point.
What is left is moving its parts into place, which anybody who comes by can finish: so a process killed at any
moment leaves an object that reads as before or as after.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from modelyard.base.clock import new_id
from modelyard.base.errors import AlreadyExists
from modelyard.base.paths import discard, full_disk_named, swap, sync, sync_folder
from modelyard.objects.card_file import card_path

ARTIFACT, CARD, POINTERS = "artifact", "card", "pointers"
"""What a new pair is prepared as. ``pointers`` is a folder of files that take their places beside the object, under their
own names: they tell where else the artifact is kept."""


@contextlib.contextmanager
def placing(path: Path) -> Iterator[Path]:
    """A folder to put ``artifact`` (a file or folder) and ``card`` in; on success they take their places.

    An earlier object of ours is replaced. Anything else at ``path`` is `AlreadyExists`, and untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    settle(path)
    refuse_foreign(path)
    work = path.with_name(f".{path.name[:60]}.{new_id()[-12:]}.tmp")
    work.mkdir()
    try:
        with full_disk_named(path):
            yield work
            sync(work)
            settle(path)
            work.rename(_pending(path))
            sync_folder(path.parent)
        settle(path)
    finally:
        discard(work)


def refuse_foreign(path: Path) -> None:
    """Raise `AlreadyExists` when something that is not ours stands in the way."""
    if path.exists() and not card_path(path).exists():
        raise AlreadyExists(
            f"{path} exists and is not an object of ours (it has no card)",
            hint="choose another path, or move it away",
        )


def settle(path: Path) -> None:
    """Finish a replacement that was committed but not carried out."""
    pending = _pending(path)
    if not pending.is_dir():
        return
    parts = [(pending / ARTIFACT, path), (pending / CARD, card_path(path))]
    parts += [(file, path.with_name(file.name)) for file in (pending / POINTERS).glob("*")]
    for part, target in parts:
        if part.exists():
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                swap(part, target)
    if not any(part.exists() for part, _ in parts):
        discard(pending)


def _pending(path: Path) -> Path:
    return path.with_name(f".{path.name[:60]}.yard-next")
