"""Where the DVC project of a path on this machine begins."""

from __future__ import annotations

from pathlib import Path

from modelyard.stores.dvc.config import FILE


def project_root(path: Path) -> Path | None:
    """The nearest folder upward with a DVC project, within the same Git repository."""
    for folder in (path, *path.parents):
        if (folder / FILE).is_file():
            return folder
        if (folder / ".git").exists():
            return None
    return None
