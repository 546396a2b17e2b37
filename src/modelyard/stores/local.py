"""Blobs in a folder: ``files/ab/cdef…``, a file a blob, read-only, under its own sha256.

A blob is written under ``uploads/``, flushed to the disk and renamed into place, so a crash leaves it out or whole.
What a dead upload leaves under ``uploads/`` is never seen, and goes with `LocalStore.sweep`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat as modes
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from modelyard.base.clock import new_id, now_ms
from modelyard.base.errors import FileMissing
from modelyard.base.paths import full_disk_named, open_below, sync_folder
from modelyard.stores.interface import Before, Blob
from modelyard.stores.pruning import keep_within
from modelyard.stores.putting import ABANDONED_MS, checked, matched, seen_before, told, whole_chunks
from modelyard.stores.verifying import reader

SCHEMES = ("", "file")


def from_uri(uri: str) -> LocalStore:
    """The store in the folder of a path or a ``file://`` URI."""
    return LocalStore(unquote(urlsplit(uri).path) if uri.startswith("file://") else uri)


class LocalStore:
    """A folder of blobs; made when the first one is put. Threads and processes may share it."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root).expanduser().absolute()

    def __repr__(self) -> str:
        return f"LocalStore({str(self.root)!r})"

    def put(
        self, stream: IO[bytes], *, expect: str | None = None, before: Before | None = None
    ) -> Blob:
        if known := seen_before(stream, self.stat, before, expect):
            return known
        with full_disk_named(self.root):
            uploads = self.root / "uploads"
            uploads.mkdir(parents=True, exist_ok=True)
            upload = uploads / new_id()
            try:
                blob = _written(stream, upload)
                matched(blob.sha256, expect)
                told(before, blob)
                self._take(upload, blob.sha256)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    _remove(upload)
        return blob

    def take(self, file: Path, sha256: str) -> None:
        """Let a file of this file system, which the caller has verified, be the blob of that digest."""
        file.chmod(0o444)
        self._take(file, checked(sha256))

    def _take(self, upload: Path, sha256: str) -> None:
        """Rename a finished upload to where it belongs; another process that was faster put the same bytes there."""
        target = self.root / _place(sha256)
        fresh = not target.parent.is_dir()
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            upload.replace(target)
        except PermissionError:  # Windows, when somebody reads the same blob at this moment
            if not target.exists():
                raise
        sync_folder(target.parent)
        if fresh:
            sync_folder(target.parent.parent)

    def open(self, sha256: str, *, verify: bool = True) -> IO[bytes]:
        try:
            stream = open_below(self.root, _place(checked(sha256)))
        except FileNotFoundError:  # the folder itself may be missing too
            raise FileMissing(f"no blob sha256:{sha256} in {self.root}") from None
        return reader(_OpenFile(stream), sha256, str(self.root / _place(sha256)), verify=verify)

    def stat(self, sha256: str) -> Blob | None:
        try:
            found = (self.root / _place(checked(sha256))).lstat()
        except FileNotFoundError:
            return None
        return Blob(sha256, found.st_size) if modes.S_ISREG(found.st_mode) else None

    def list(self) -> Iterator[Blob]:
        for folder in sorted((self.root / "files").glob("[0-9a-f][0-9a-f]")):
            for file in folder.iterdir():
                digest = folder.name + file.name
                if len(digest) == 64 and (blob := self.stat(digest)):
                    yield blob

    def delete(self, digests: Iterable[str]) -> int:
        gone = 0
        for digest in digests:
            try:
                _remove(self.root / _place(checked(digest)))
            except FileNotFoundError:
                continue
            gone += 1
        return gone

    def touch(self, sha256: str) -> None:
        """Remember that a blob was used now, for `prune`."""
        with contextlib.suppress(
            OSError
        ):  # it went at this moment, or the folder is another user's
            os.utime(self.root / _place(checked(sha256)))

    def prune(self, most: int, *, keep: str = "") -> int:
        """Delete what was not used for longest until ``most`` bytes are left; ``keep`` stays. Returns how many went. For
        a cache: who has a blob open reads on."""
        found: list[tuple[int, int, str]] = []
        for blob in self.list():
            with contextlib.suppress(FileNotFoundError):
                used = (self.root / _place(blob.sha256)).lstat().st_mtime_ns
                found.append((used, blob.size, blob.sha256))

        def remove(sha256: str) -> bool:
            if sha256 != keep:
                self.delete([sha256])
            return sha256 != keep

        return keep_within(found, most, remove)

    def sweep(self, before_ms: int | None = None) -> int:
        limit = now_ms() - ABANDONED_MS if before_ms is None else before_ms
        gone = 0
        for file in (self.root / "uploads").glob("*"):
            with contextlib.suppress(FileNotFoundError):  # it was finished at this moment
                if file.lstat().st_mtime_ns // 1_000_000 < limit:
                    _remove(file)
                    gone += 1
        return gone

    def close(self) -> None: ...


def _place(sha256: str) -> str:
    return f"files/{sha256[:2]}/{sha256[2:]}"


def _remove(path: Path) -> None:
    if os.name == "nt":  # what is read-only cannot be removed there
        path.chmod(0o666)
    path.unlink()


def _written(stream: IO[bytes], path: Path) -> Blob:
    """Copy a stream to a new file, on the disk when this returns, and read-only."""
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as file:
        for piece in whole_chunks(stream):
            digest.update(piece)
            size += len(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o444)
    return Blob(digest.hexdigest(), size)


class _OpenFile:
    """The bytes of an open file, read at places without moving anything."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.size = os.fstat(stream.fileno()).st_size

    def at(self, position: int, length: int) -> bytes:
        self._stream.seek(position)
        return self._stream.read(length)

    def close(self) -> None:
        self._stream.close()
