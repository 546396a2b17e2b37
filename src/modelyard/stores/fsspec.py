"""Blobs below any root that fsspec reaches: ``s3://bucket/prefix``, ``gs://``, ``az://``, ``sftp://``, ``hdfs://``.

``files/ab/cdef…`` under its own sha256, as in a folder. In a bucket an object appears when it is complete, so a small
blob is put where it belongs at once (on S3 only if nothing is there: ``If-None-Match``); a large one, and any blob on
a file system, goes to ``uploads/<id>`` while it is hashed, and is moved to its place when the digest is known.
Credentials and endpoints come from where the library looks for them (``AWS_ENDPOINT_URL``, profiles …), never from a
yard.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any
from urllib.parse import urlsplit

from modelyard.base.clock import new_id, now_ms
from modelyard.base.digests import sha256_bytes
from modelyard.base.errors import (
    FileMissing,
    InvalidReference,
    MissingExtra,
    ModelyardError,
    NotAllowed,
    NotFound,
)
from modelyard.stores.faults import named
from modelyard.stores.interface import Before, Blob
from modelyard.stores.putting import (
    ABANDONED_MS,
    checked,
    matched,
    seen_before,
    told,
    whole_chunks,
)
from modelyard.stores.verifying import reader

SCHEMES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "sftp", "ssh", "hdfs", "webhdfs", "smb")

_EXTRAS = {
    **dict.fromkeys(("s3", "s3a"), "s3"),
    **dict.fromkeys(("gs", "gcs"), "gs"),
    **dict.fromkeys(("az", "abfs", "abfss"), "azure"),
    **dict.fromkeys(("sftp", "ssh"), "sftp"),
}
_BUCKETS = frozenset(["s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory"])
"""Where an object appears when its last byte is there, and folders need not be made."""

_SMALL = 8 << 20
_PART = 16 << 20
_READ = 4 << 20


def from_uri(uri: str) -> FsspecStore:
    """The store below a root; the bucket or folder must be there."""
    parts = urlsplit(uri)
    scheme, shown = parts.scheme, f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    try:
        import fsspec

        # What another process put must be seen: listings are not remembered.
        options = {"use_listings_cache": False} if scheme in _BUCKETS else {}
        filesystem, root = fsspec.core.url_to_fs(uri, **options)
    except ImportError as error:
        extra = _EXTRAS.get(scheme, "s3")
        raise MissingExtra(f"{scheme}://", extra, missing=getattr(error, "name", None)) from error
    except ValueError as error:
        raise InvalidReference(f"{shown} cannot be read as an address: {error}") from error
    if _EXTRAS.get(scheme) == "s3":
        from modelyard.stores._s3 import S3Store

        return S3Store(filesystem, root, shown)
    return FsspecStore(filesystem, root, shown, bucket=scheme in _BUCKETS)


class FsspecStore:
    """Blobs below a root of a file system. Threads and processes may share the root."""

    def __init__(self, filesystem: Any, root: str, shown: str, *, bucket: bool = False) -> None:
        self.filesystem = filesystem
        self.root = root.rstrip("/")
        self.shown = shown
        self._bucket = bucket

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.shown!r})"

    def put(
        self, stream: IO[bytes], *, expect: str | None = None, before: Before | None = None
    ) -> Blob:
        if known := seen_before(stream, self.stat, before, expect):
            return known
        pieces = whole_chunks(stream, _SMALL)
        first = next(pieces, b"")
        if self._bucket and len(first) < _SMALL:
            blob = Blob(sha256_bytes(first), len(first))
            matched(blob.sha256, expect)
            told(before, blob)
            with self.faults():
                self._create(self.place(blob.sha256), first)
            return blob
        return self._put_large(itertools.chain([first], pieces), expect, before)

    def _put_large(
        self, pieces: Iterator[bytes], expect: str | None, before: Before | None
    ) -> Blob:
        upload = f"{self.root}/uploads/{new_id()}"
        try:
            blob = self._written(pieces, upload)
            matched(blob.sha256, expect)
            told(before, blob)
            self.move(upload, blob.sha256)
        except BaseException:
            # Only tidiness: nobody sees what is there, and a sweep finds it.
            with contextlib.suppress(Exception):
                self.filesystem.rm_file(upload)
            raise
        return blob

    def _written(self, pieces: Iterator[bytes], path: str) -> Blob:
        digest, size = hashlib.sha256(), 0
        with self.faults():
            self._make_folder(path)
            file = self.filesystem.open(path, "wb", block_size=_PART)
        try:
            for piece in pieces:
                digest.update(piece)
                size += len(piece)
                with self.faults():
                    file.write(piece)
        finally:
            with self.faults():
                file.close()
        return Blob(digest.hexdigest(), size)

    def _create(self, path: str, data: bytes) -> None:
        """Write a small object where it belongs."""
        self.filesystem.pipe_file(path, data)

    def move(self, upload: str, sha256: str) -> None:
        """Let a finished upload appear; one that is there already has the same bytes."""
        target = self.place(sha256)
        with self.faults():
            if self._bucket:
                self.filesystem.cp_file(upload, target)
                self.filesystem.rm_file(upload)
            else:
                self._make_folder(target)
                self.filesystem.mv(upload, target)

    def _make_folder(self, path: str) -> None:
        if not self._bucket:
            self.filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)

    def open(self, sha256: str, *, verify: bool = True) -> IO[bytes]:
        blob = self.stat(sha256)
        if blob is None:
            raise FileMissing(f"no blob sha256:{sha256} in {self.shown}")
        where = f"{self.shown}/{_place(sha256)}"
        return reader(_Object(self, self.place(sha256), blob), sha256, where, verify=verify)

    def stat(self, sha256: str) -> Blob | None:
        path = self.place(checked(sha256))
        with self.faults():
            try:
                found = self.filesystem.info(path)
            except FileNotFoundError:
                return None
        return Blob(sha256, found["size"]) if found["type"] == "file" else None

    def list(self) -> Iterator[Blob]:
        for folder in self._inside(f"{self.root}/files"):
            for entry in self._inside(folder["name"]):
                digest = "".join(entry["name"].rsplit("/", 2)[-2:])
                if entry["type"] == "file" and len(digest) == 64:
                    yield Blob(digest, entry["size"])

    def _inside(self, folder: str) -> Sequence[Any]:
        with self.faults():
            self.filesystem.invalidate_cache()
            try:
                return self.filesystem.ls(folder, detail=True)
            except FileNotFoundError:
                return []

    def delete(self, digests: Iterable[str]) -> int:
        there = [digest for digest in digests if self.stat(digest) is not None]
        gone = 0
        for digest in there:
            with self.faults(), contextlib.suppress(FileNotFoundError):
                self.filesystem.rm_file(self.place(digest))
                gone += 1
        return gone

    def sweep(self, before_ms: int | None = None) -> int:
        limit = now_ms() - ABANDONED_MS if before_ms is None else before_ms
        old = [
            entry["name"]
            for entry in self._inside(f"{self.root}/uploads")
            if started_ms(entry["name"].rpartition("/")[2]) < limit
        ]
        for path in old:
            with self.faults(), contextlib.suppress(FileNotFoundError):
                self.filesystem.rm_file(path)
        return len(old)

    def close(self) -> None: ...

    def place(self, sha256: str) -> str:
        """Where a blob is."""
        return f"{self.root}/{_place(sha256)}"

    @contextlib.contextmanager
    def faults(self) -> Iterator[None]:
        """Raise what the libraries raise as errors of ours."""
        try:
            yield
        except ModelyardError:
            raise
        except Exception as error:
            if (found := _named(error, self.shown)) is None:
                raise
            raise found from error


def _named(error: Exception, shown: str) -> ModelyardError | None:
    if isinstance(error, FileNotFoundError):
        text = str(error).partition("\n")[0]
        return NotFound(f"{shown} is not there: {text}", hint="make the bucket or folder first")
    found = named(error, shown)
    if isinstance(found, NotAllowed):
        found.hint = None  # the settings for models in buckets are not those of a yard
    return found


def started_ms(upload: str) -> int:
    """When an upload began: its id says so. A foreign name counts as just begun."""
    try:
        return int(upload[:12], 16) if len(upload) == 32 else now_ms()
    except ValueError:
        return now_ms()


def _place(sha256: str) -> str:
    return f"files/{sha256[:2]}/{sha256[2:]}"


class _Object:
    """The bytes of an object, four megabytes a request."""

    def __init__(self, store: FsspecStore, path: str, blob: Blob) -> None:
        self._store, self._path, self._blob = store, path, blob
        self._held: tuple[int, bytes] = (-1, b"")
        self.size = blob.size

    def at(self, position: int, length: int) -> bytes:
        if position >= self.size:
            return b""
        number, offset = divmod(position, _READ)
        if self._held[0] != number:
            start = number * _READ
            self._held = (number, self._fetch(start, min(start + _READ, self.size)))
        return self._held[1][offset : offset + length]

    def _fetch(self, start: int, end: int) -> bytes:
        with self._store.faults():
            try:
                return self._store.filesystem.cat_file(self._path, start=start, end=end)
            except FileNotFoundError:
                where = f"blob sha256:{self._blob.sha256} in {self._store.shown}"
                raise FileMissing(f"{where} was deleted while it was read") from None

    def close(self) -> None:
        self._held = (-1, b"")
