"""Make a folder a project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelyard.base.errors import AlreadyExists
from modelyard.base.project import section

IGNORED = ("yard.db", "yard.db-wal", "yard.db-shm", "yard.files/")
"""What Git must not hold: the yard, and what lies beside it."""


def init(path: str | Path = ".", *, registry: str = "yard") -> dict[str, Any]:
    """Make a folder a project: settings where there are none, and ``yard.db`` kept out of Git. Returns what was written.

    >>> import tempfile
    >>> init(tempfile.mkdtemp())["wrote"]
    ['modelyard.toml', '.gitignore']
    """
    root = Path(path)
    if root.exists() and not root.is_dir():
        raise AlreadyExists(f"{root} is a file, not a folder")
    root.mkdir(parents=True, exist_ok=True)
    wrote: list[str] = []
    if section(root) is None:
        text = f'# Settings of this project; `modelyard config list` shows all.\nregistry = "{registry}"\n'
        (root / "modelyard.toml").write_text(text, "utf-8")
        wrote.append("modelyard.toml")
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
