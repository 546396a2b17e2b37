"""A folder of this machine."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from modelyard.base.errors import FileMissing, InvalidPath
from modelyard.base.paths import open_below, safe_segments
from modelyard.stores.folders.interface import Entry


class LocalFolder:
    """Files below a path, as they are at each moment."""

    provenance: Mapping[str, Any] = {}

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).expanduser().absolute()

    @property
    def label(self) -> str:
        """The path."""
        return str(self.root)

    def ref(self, path: str) -> str:
        """The path of what stands there."""
        return str(self._at(path))

    def entry(self, path: str) -> Entry | None:
        """A regular file or folder that is reached by no link; None when there is none."""
        at = self.root
        for segment in safe_segments(path) if path else ():
            at /= segment
            if at.is_symlink():
                return None
        try:
            return _entry(path, at.lstat() if path else at.stat())
        except (FileNotFoundError, NotADirectoryError):
            return None

    def list(self, path: str = "") -> Sequence[Entry]:
        """What is in a folder, by name; links and special files are left out."""
        try:
            with os.scandir(self._at(path)) as found:
                below = f"{path}/" if path else ""
                entries = [_entry(below + e.name, e.stat(follow_symlinks=False)) for e in found]
        except (FileNotFoundError, NotADirectoryError):
            raise FileMissing(f"no folder {path!r} in {self.root}") from None
        return sorted((e for e in entries if e is not None), key=lambda e: e.name)

    def open(self, path: str) -> IO[bytes]:
        """A regular file, reached by no link."""
        try:
            return open_below(self.root, path)
        except FileNotFoundError:
            raise FileMissing(f"no file {path!r} in {self.root}") from None
        except InvalidPath:
            if (found := self.entry(path)) is not None and found.is_folder:
                raise FileMissing(f"{path!r} in {self.root} is a folder") from None
            raise

    def fetch(self, paths: Sequence[str]) -> None:
        """Nothing: files are here."""

    def _at(self, path: str) -> Path:
        return self.root.joinpath(*safe_segments(path)) if path else self.root


def _entry(path: str, found: os.stat_result) -> Entry | None:
    if stat.S_ISDIR(found.st_mode):
        return Entry(path, None)
    return Entry(path, found.st_size) if stat.S_ISREG(found.st_mode) else None
