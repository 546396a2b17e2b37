"""Files into a yard: their bytes as blobs, several at once, told by path and digest."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

from modelyard.base.digests import CHUNK, FileEntry
from modelyard.base.errors import InvalidPath
from modelyard.base.paths import artifact_segments
from modelyard.compat._mlflow.interface import Folder
from modelyard.stores.http import upload
from modelyard.tracking.records import FileAdded
from modelyard.yard.yard import Yard

AT_ONCE = 8
"""Files that are put at the same time: a SQLite yard gives them one commit, a hub one round trip."""
_IN_MEMORY = 4 << 20


class Filing:
    """Puts files, each content once."""

    def __init__(self, yard: Yard) -> None:
        self._client: Any = getattr(yard, "client", None)
        self._stores: Any = None if self._client is not None else yard.stores
        self._workers = ThreadPoolExecutor(AT_ONCE, "filing")
        self._put: dict[str, int] = {}

    def close(self) -> None:
        """End the threads."""
        self._workers.shutdown()

    def added(self, owner: str, folder: Folder, refused: list[str]) -> list[FileAdded]:
        """All files of a folder, put; ``refused`` gets those whose name a yard does not take."""
        paths = [path for path in folder.list() if _fits(path, refused)]
        found = self._workers.map(lambda path: self._one(folder, path), paths)
        return [
            FileAdded(owner, path, entry.sha256, entry.size)
            for path, entry in zip(paths, found, strict=True)
        ]

    def _one(self, folder: Folder, path: str) -> FileEntry:
        with folder.open(path) as stream, _twice(stream) as copy:
            digest, size = measured(copy)
            copy.seek(0)
            entry = FileEntry(path, size, digest)
            if self._put.get(digest) != size:
                if self._client is not None:
                    upload(self._client, entry, copy)
                else:
                    self._stores.put(copy, size, expect=digest)
                self._put[digest] = size
            return entry


def _fits(path: str, refused: list[str]) -> bool:
    try:
        artifact_segments(path)
    except InvalidPath as error:
        refused.append(error.message)
        return False
    return True


def _twice(stream: IO[bytes]) -> IO[bytes]:
    """The stream, or a copy on the disk of one that passes once."""
    if stream.seekable():
        return stream
    copy = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  the caller's with closes it
    shutil.copyfileobj(stream, copy, CHUNK)
    copy.seek(0)
    return copy  # type: ignore[return-value]


def measured(stream: IO[bytes]) -> tuple[str, int]:
    """Digest and length of the rest of a stream."""
    digest, size = hashlib.sha256(), 0
    while piece := stream.read(CHUNK):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def digests(folder: Folder) -> Iterator[tuple[str, tuple[str, int]]]:
    """Path, digest and length of all files of a folder."""
    for path in folder.list():
        with folder.open(path) as stream:
            yield path, measured(stream)
