"""Folders of models that somebody else names: only what lies below a root, and what it takes."""

from __future__ import annotations

import os
from pathlib import Path

from modelyard.base.errors import InvalidInput, InvalidPath, NotFound
from modelyard.objects.card_file import SUFFIX

CGROUP = Path("/sys/fs/cgroup")
MEMORY = Path("/proc/meminfo")


def checked_folder(path: str, root: Path) -> tuple[Path, int]:
    """A folder below the root, and the bytes of its files.

    `InvalidPath` where it, or a link anywhere in it, leads out of the root; `NotFound` where nothing is.
    """
    top = Path(os.path.realpath(root))
    folder = Path(os.path.realpath(path))
    if "\0" in path or not Path(path).is_absolute() or not folder.is_relative_to(top):
        raise InvalidPath(f"models are loaded from below {root} only")
    if folder == top or not folder.is_dir():
        raise NotFound(f"there is no model at {path}")
    size = 0
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            found = Path(place, name)
            if found.is_symlink() and not Path(os.path.realpath(found)).is_relative_to(top):
                raise InvalidPath(f"{found.relative_to(folder)} is a link that leads out of {root}")
            size += found.stat().st_size if found.is_file() else 0
    return folder, size


def model_in(folder: Path) -> Path:
    """The one model that was saved into a folder, or the folder itself: another tool's model, which importers know."""
    cards = sorted(folder.glob(f"*{SUFFIX}"))
    if len(cards) > 1:
        names = ", ".join(card.name.removesuffix(SUFFIX) for card in cards)
        raise InvalidInput(f"{folder} holds several models: {names}", hint="one a folder")
    return cards[0].with_name(cards[0].name.removesuffix(SUFFIX)) if cards else folder


def available_memory(cgroup: Path = CGROUP, meminfo: Path = MEMORY) -> int | None:
    """Bytes that are free for this process: of its container, and of the machine; None where nobody says."""
    found = [n for n in (_of_container(cgroup), _of_machine(meminfo)) if n is not None]
    return min(found, default=None)


def _of_container(cgroup: Path) -> int | None:
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
    except (OSError, ValueError):
        return None
    return max(0, int(limit) - used) if limit.isdigit() else None


def _of_machine(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text().splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(line.split()[1]) * 1024
    except (OSError, StopIteration, ValueError, IndexError):
        return None
