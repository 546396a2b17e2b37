"""A folder in a bucket or on a file system that fsspec reaches: s3, gs, az, sftp, hdfs, and memory of this process.

Who asks is what the libraries find in the user's environment and profiles; see `storage_options` for what settings may
add. Nothing is remembered between two questions: what another process put a moment ago is seen.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast

from modelyard.base.clock import new_id
from modelyard.base.errors import FileMissing, MissingExtra, Unreachable
from modelyard.base.paths import safe_segments
from modelyard.base.refs import REMOTE_EXTRAS
from modelyard.stores.faults import faults
from modelyard.stores.folders.holding import Held
from modelyard.stores.folders.interface import Entry
from modelyard.stores.folders.storage_options import options_for

SCHEMES = ("s3", "gs", "az", "sftp", "hdfs", "memory")
BUCKETS = frozenset(["s3", "gs", "az", "memory"])
"""Where an object appears when its last byte is there, and folders need not be made."""

PART = 16 << 20
"""Bytes of an upload's part; four are under way at a time."""
READ = 4 << 20
"""Bytes of a file asked for at a time."""


def from_address(scheme: str, place: str, path: str) -> FsspecFolder:
    """The folder at a path of a bucket or host; nothing is asked of it yet, but a server is connected to."""
    label = f"{scheme}://{place}" + (f"/{path}" if path else "")
    with faults(label):
        try:
            filesystem, root = _opened(scheme, place, path)
        except ImportError as error:
            raise MissingExtra(
                f"{scheme}://", REMOTE_EXTRAS[scheme], missing=getattr(error, "name", None)
            ) from error
    return FsspecFolder(filesystem, root, label, bucket=scheme in BUCKETS)


def _opened(scheme: str, place: str, path: str) -> tuple[Any, str]:
    """The file system and the folder's path in it."""
    options = options_for(scheme)
    if scheme == "sftp":
        from modelyard.stores.folders._sftp import connected

        return connected(place, options), f"/{path}"
    import fsspec

    if scheme == "hdfs":
        user, _, host = place.rpartition("@")
        name, _, port = host.partition(":")
        told = {"host": name or "default", "port": int(port or 0), "user": user or None}
        return fsspec.filesystem("hdfs", **{**told, **options}), f"/{path}"
    root = "/".join(part for part in (place, path) if part)
    if scheme == "memory":
        return fsspec.filesystem("memory"), f"/{root}"
    # What another process put must be seen: listings are not remembered.
    return fsspec.filesystem(scheme, use_listings_cache=False, **options), root


class FsspecFolder:
    """Files below a root of a file system. Threads may share it."""

    def __init__(self, filesystem: Any, root: str, label: str, *, bucket: bool = True) -> None:
        self.filesystem, self.root, self.bucket = filesystem, root.rstrip("/"), bucket
        self._label = label
        self._held = Held()

    def __repr__(self) -> str:
        return f"FsspecFolder({self._label!r})"

    @property
    def label(self) -> str:
        return self._label

    @property
    def provenance(self) -> Mapping[str, Any]:
        return {"url": self._label}

    def ref(self, path: str) -> str:
        if not path:
            return self._label
        return f"{self._label}/{'/'.join(safe_segments(path)).replace('#', '%23')}"

    def place(self, path: str) -> str:
        """Where a path of this folder stands in its file system."""
        return f"{self.root}/{'/'.join(safe_segments(path))}" if path else self.root or "/"

    def entry(self, path: str) -> Entry | None:
        place = self.place(path)
        if (size := self._held.size(path)) is not None:
            return Entry(path, size)
        with faults(self.ref(path)):
            try:
                found = self.filesystem.info(place)
            except FileNotFoundError:
                return None
        return _entry(path, found)

    def list(self, path: str = "") -> Sequence[Entry]:
        place = self.place(path)
        with faults(self.ref(path)):
            self.filesystem.invalidate_cache()
            try:
                found = self.filesystem.ls(place, detail=True)
            except (FileNotFoundError, NotADirectoryError):
                found = None
        if found is None or _is_itself(found, place):
            raise FileMissing(f"no folder at {self.ref(path)}")
        above = f"{path}/" if path else ""
        named = ((e["name"].rstrip("/").rpartition("/")[2], e) for e in found)
        # A bucket's browser leaves an empty object for a folder, in the folder.
        entries = {n: _entry(above + n, e) for n, e in named if n and not _marks(e, place)}
        return [entries[name] for name in sorted(entries)]

    def files_below(self, path: str = "") -> Iterator[Entry]:
        """See `interface.Flat`: as few requests as a bucket's flat list takes."""
        place = self.place(path)
        with faults(self.ref(path)):
            self.filesystem.invalidate_cache()
            found = self.filesystem.find(place, detail=True)
        start = f"{place.strip('/')}/"
        for name in sorted(found):
            if (full := name.strip("/")).startswith(start):
                inner = full.removeprefix(start)
                yield _entry(f"{path}/{inner}" if path else inner, found[name])

    def open(self, path: str) -> IO[bytes]:
        if (held := self._held.open(path)) is not None:
            return held
        entry = self.entry(path)
        if entry is None or entry.size is None:
            raise FileMissing(f"no file at {self.ref(path)}")
        return cast(IO[bytes], io.BufferedReader(_Reading(self, entry, entry.size), READ))

    def fetch(self, paths: Sequence[str]) -> None:
        for path in paths:
            safe_segments(path)
        self._held.bring(paths, self._whole)

    def _whole(self, path: str) -> Iterator[bytes]:
        with self.open(path) as stream:
            while piece := stream.read(READ):
                yield piece

    def pieces(self, path: str, start: int, length: int) -> Iterator[bytes]:
        """See `remote.Ranged`."""
        place = self.place(path)
        with faults(self.ref(path)):
            try:
                found = self.filesystem.cat_file(place, start=start, end=start + length)
            except FileNotFoundError:
                raise FileMissing(f"no file at {self.ref(path)}") from None
        yield found
        if len(found) != length:
            raise Unreachable(f"{self.ref(path)} broke off after {len(found)} of {length} bytes")

    # Writing

    def put(self, path: str, file: Path, told: Callable[[int], None]) -> None:
        """See `remote.Writable`."""
        size = file.stat().st_size
        # A bucket takes at most 10,000 parts.
        parts = {"chunksize": max(PART, size // 9000), "max_concurrency": 4} if self._s3 else {}
        with self._arriving(path) as place:
            self.filesystem.put_file(str(file), place, callback=told_by(told), **parts)

    def replace(self, path: str, data: bytes) -> None:
        """See `remote.Writable`."""
        with self._arriving(path) as place:
            self.filesystem.pipe_file(place, data)

    @contextlib.contextmanager
    def _arriving(self, path: str) -> Generator[str]:
        """Where to write what is to appear at a path when it is complete."""
        place = self.place(path)
        with faults(self.ref(path)):
            if self.bucket:
                yield place
                return
            above, _, name = place.rpartition("/")
            self.filesystem.makedirs(above, exist_ok=True)
            temporary = f"{above}/.{name[:60]}.{new_id()[-12:]}.tmp"
            try:
                yield temporary
                self._rename(temporary, place)
            except BaseException:
                with contextlib.suppress(Exception):  # only tidiness: nobody looks there
                    self.filesystem.rm_file(temporary)
                raise

    def _rename(self, new: str, place: str) -> None:
        """In one step where the file system has one."""
        if hasattr(self.filesystem, "replace_file"):
            self.filesystem.replace_file(new, place)
            return
        with contextlib.suppress(FileNotFoundError):
            self.filesystem.rm_file(place)
        self.filesystem.mv(new, place)

    def remove(self, path: str) -> None:
        """See `remote.Writable`."""
        place = self.place(path)
        with faults(self.ref(path)), contextlib.suppress(FileNotFoundError):
            self.filesystem.rm(place, recursive=True)

    def changed_ms(self, path: str) -> int | None:
        """See `remote.Writable`."""
        place = self.place(path)
        with faults(self.ref(path)):
            self.filesystem.invalidate_cache()
            files = self.filesystem.find(place)
            try:
                times = [self.filesystem.modified(file) for file in files]
            except (FileNotFoundError, NotImplementedError):
                return None
        return max((int(time.timestamp() * 1000) for time in times), default=None)

    @property
    def _s3(self) -> bool:
        return self._label.startswith("s3:")


def told_by(told: Callable[[int], None]) -> Any:
    """What the libraries tell of their progress, passed on."""
    from fsspec.callbacks import Callback

    class Told(Callback):
        def relative_update(self, inc: int = 1) -> None:
            super().relative_update(inc)
            told(inc)

        def absolute_update(self, value: int) -> None:
            told(value - self.value)
            super().absolute_update(value)

    return Told()


def _entry(path: str, found: Mapping[str, Any]) -> Entry:
    return Entry(path, None if found["type"] == "directory" else int(found["size"] or 0))


def _is_itself(found: Sequence[Mapping[str, Any]], place: str) -> bool:
    """What is listed for a file is the file."""
    same = len(found) == 1 and found[0]["name"].strip("/") == place.strip("/")
    return same and found[0]["type"] != "directory" and not found[0]["name"].endswith("/")


def _marks(found: Mapping[str, Any], place: str) -> bool:
    return found["name"].strip("/") == place.strip("/")


class _Reading(io.RawIOBase):
    """A file, some megabytes a request."""

    def __init__(self, folder: FsspecFolder, entry: Entry, size: int) -> None:
        self._folder, self._path, self._size = folder, entry.path, size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readall(self) -> bytes:
        return b"".join(iter(lambda: self.read(READ) or b"", b""))

    def readinto(self, buffer: Any, /) -> int:
        length = min(len(buffer), self._size - self._at)
        if length <= 0:
            return 0
        at = 0
        for piece in self._folder.pieces(self._path, self._at, length):
            buffer[at : at + len(piece)] = piece
            at += len(piece)
        self._at += at
        return at
