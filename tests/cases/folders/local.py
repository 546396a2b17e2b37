"""A folder of this machine, with links in it and a secret beside it."""

from __future__ import annotations

from pathlib import Path

from modelyard.stores.folders.local import LocalFolder
from modelyard.testing.folders import FILES, LINKS


def write(root: Path) -> Path:
    """The files and links of the contract below a folder."""
    for path, data in FILES.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    for path, points_to in LINKS.items():
        (root / path).symlink_to(points_to)
    (root.parent / "secret").write_text("a secret\n")
    return root


def folder(root: Path) -> LocalFolder:
    return LocalFolder(root)
