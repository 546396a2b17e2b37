"""What a folder's `fetch` brought here: files in a temporary folder, for as long as the folder is in use."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from modelyard.base.errors import NotFound
from modelyard.base.paths import full_disk_named

AT_ONCE = 8
"""Files that are brought side by side."""


class Held:
    """Files by their paths; threads may share it."""

    def __init__(self) -> None:
        self._files: dict[str, Path] = {}
        self._lock = threading.Lock()
        self._folder: Path | None = None

    def size(self, path: str) -> int | None:
        """The size of a file that is here."""
        file = self._files.get(path)
        return None if file is None else file.stat().st_size

    def open(self, path: str) -> IO[bytes] | None:
        """A file that is here."""
        file = self._files.get(path)
        return None if file is None else file.open("rb")

    def bring(self, paths: Sequence[str], pieces: Callable[[str], Iterable[bytes]]) -> None:
        """Write what ``pieces`` gives for each path; what is missing is passed over, another failure is raised."""
        wanted = [path for path in dict.fromkeys(paths) if path not in self._files]
        if not wanted:
            return
        with ThreadPoolExecutor(min(AT_ONCE, len(wanted))) as threads:
            for brought in [threads.submit(self._bring, path, pieces) for path in wanted]:
                brought.result()

    def _bring(self, path: str, pieces: Callable[[str], Iterable[bytes]]) -> None:
        file = self._new_file()
        try:
            with full_disk_named(file.parent), file.open("wb") as stream:
                for piece in pieces(path):
                    stream.write(piece)
        except NotFound:
            file.unlink()
            return
        with self._lock:
            self._files[path] = file

    def _new_file(self) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="modelyard-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        descriptor, name = tempfile.mkstemp(dir=self._folder)
        open(descriptor, "wb").close()  # noqa: PTH123  closes what mkstemp opened
        return Path(name)
