"""Make a folder a project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelyard.base.config import REGISTRIES, set_setting, settings
from modelyard.base.errors import AlreadyExists, InvalidSetting, did_you_mean
from modelyard.base.project import OWN_FILE, section

HEAD = "# Settings of this project; `modelyard config list` shows all.\n"

IGNORED = ("yard.db", "yard.db-wal", "yard.db-shm", "yard.files/")
"""What Git must not hold: the yard, and what lies beside it."""


def init(path: str | Path = ".", *, registry: str | None = None) -> dict[str, Any]:
    """Make a folder a project: settings where there are none, and ``yard.db`` kept out of Git. Returns what was written.

    ``registry`` is where versions and stages are kept, ``yard`` (the default) or ``git``. A folder that is a project
    keeps the settings it has, but for a registry that is named.

    >>> import tempfile
    >>> init(tempfile.mkdtemp())["wrote"]
    ['modelyard.toml', '.gitignore']
    """
    root = Path(path)
    if registry is not None and registry not in REGISTRIES:
        near = did_you_mean(registry, REGISTRIES) or f"one of: {', '.join(REGISTRIES)}"
        raise InvalidSetting(f"registry {registry!r} is not known", hint=near)
    if root.exists() and not root.is_dir():
        raise AlreadyExists(f"{root} is a file, not a folder")
    root.mkdir(parents=True, exist_ok=True)
    wrote: list[str] = []
    if section(root) is None and not (root / OWN_FILE).exists():
        (root / OWN_FILE).write_text(HEAD, "utf-8")
        registry = registry or "yard"
    if registry is not None and settings(root, {}).get("registry") != registry:
        wrote.append(set_setting("registry", registry, root=root).name)
    if ignore(root):
        wrote.append(".gitignore")
    return {"root": str(root.resolve()), "wrote": wrote}


def ignore(root: Path) -> bool:
    """Add what is missing to ``.gitignore``; whether anything was."""
    file = root / ".gitignore"
    text = file.read_text("utf-8") if file.exists() else ""
    present = {line.strip().lstrip("/") for line in text.splitlines()}
    missing = [line for line in IGNORED if line not in present]
    if not missing:
        return False
    if text and not text.endswith("\n"):
        text += "\n"
    file.write_text(text + "\n".join(missing) + "\n", "utf-8")
    return True
