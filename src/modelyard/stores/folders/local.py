"""A folder of this machine, as a `Folder`: no link in it is followed."""

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
    """The files below a path."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root).expanduser().absolute()

    def __repr__(self) -> str:
        return f"LocalFolder({str(self.root)!r})"

    @property
    def label(self) -> str:
        return str(self.root)

    def ref(self, path: str) -> str:
        return str(self.root.joinpath(*safe_segments(path)) if path else self.root)

    @property
    def provenance(self) -> Mapping[str, Any]:
        return {}

    def entry(self, path: str) -> Entry | None:
        found = self._stat(path)
        if found is None:
            return None
        if stat.S_ISDIR(found.st_mode):
            return Entry(path, None)
        if not stat.S_ISREG(found.st_mode):
            raise InvalidPath(f"path {path!r} is refused: not a regular file")
        return Entry(path, found.st_size)

    def list(self, path: str = "") -> Sequence[Entry]:
        found = self._stat(path)
        if found is None or not stat.S_ISDIR(found.st_mode):
            raise FileMissing(f"no folder {path!r} in {self.root}")
        with os.scandir(self.root / path) as inside:
            seen = [
                _entry(f"{path}/{child.name}" if path else child.name, child) for child in inside
            ]
        return sorted((entry for entry in seen if entry), key=lambda entry: entry.path)

    def open(self, path: str) -> IO[bytes]:
        found = self._stat(path)
        if found is None or stat.S_ISDIR(found.st_mode):
            raise FileMissing(f"no file {path!r} in {self.root}")
        return open_below(self.root, path)

    def fetch(self, paths: Sequence[str]) -> None:
        """They are here."""
        for path in paths:
            safe_segments(path)

    def _stat(self, path: str) -> os.stat_result | None:
        """What stands at a path; refused where the path runs through a link, or is one."""
        segments = safe_segments(path) if path else ()
        try:
            found = self.root.stat()
            at = self.root
            for segment in segments:
                at = at / segment
                found = at.lstat()
                if stat.S_ISLNK(found.st_mode):
                    raise InvalidPath(f"path {path!r} is refused: {segment!r} is a link")
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found


def _entry(path: str, child: os.DirEntry[str]) -> Entry | None:
    """None for a link, a device, and for what has a name that could not be asked for."""
    try:
        safe_segments(child.name)
    except InvalidPath:
        return None
    if child.is_dir(follow_symlinks=False):
        return Entry(path, None)
    if not child.is_file(follow_symlinks=False):
        return None
    return Entry(path, child.stat(follow_symlinks=False).st_size)
