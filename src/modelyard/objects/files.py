"""The files of an artifact, verified: a digest is checked before anybody gets a byte."""

from __future__ import annotations

import io
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, runtime_checkable

from modelyard.base.digests import CHUNK, FileEntry, sha256_stream
from modelyard.base.errors import Corrupted, FileMissing
from modelyard.base.paths import list_below, open_below
from modelyard.objects.card import inner_names
from modelyard.objects.interface import Files

IN_MEMORY = 64 << 20
"""A file up to this size is held in memory while it is checked and read."""


class Opener(Protocol):
    """Where bytes come from: a folder, a store, a commit."""

    def open(self, entry: FileEntry) -> IO[bytes]:
        """Unverified bytes of one file."""
        ...


@runtime_checkable
class FetchingOpener(Opener, Protocol):
    """Bytes that are far away, and better fetched together."""

    def fetch(self, entries: Sequence[FileEntry]) -> None:
        """Bring files here; what is missing is passed over."""
        ...


class FolderOpener:
    """Files below a folder on this machine, opened without following links."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def open(self, entry: FileEntry) -> IO[bytes]:
        return open_below(self.root, entry.path)

    def path(self, entry: FileEntry) -> Path:
        """Where the file lies."""
        return self.root.joinpath(*entry.path.split("/"))


class ArtifactFiles:
    """`Files` over any opener. ``names`` are relative to the artifact; a single file is called ``artifact``."""

    def __init__(self, entries: Sequence[FileEntry], opener: Opener, label: str) -> None:
        self._entries: Mapping[str, FileEntry] = dict(
            zip(inner_names(entries), entries, strict=True)
        )
        self._opener = opener
        self._label = label
        self._scratch: Path | None = None
        self._fetched = False

    def names(self) -> Sequence[str]:
        return list(self._entries)

    def entries(self) -> tuple[FileEntry, ...]:
        """All of them, as the card lists them."""
        return tuple(self._entries.values())

    def entry(self, path: str) -> FileEntry:
        try:
            return self._entries[path]
        except KeyError:
            raise FileMissing(f"{self._label} has no file {path!r}") from None

    def read(self, path: str) -> bytes:
        with self.open(path) as stream:
            return stream.read()

    def open(self, path: str, *, private: bool = True) -> IO[bytes]:
        """Small files from memory; large ones as `local` has them."""
        entry = self.entry(path)
        if entry.size > IN_MEMORY:
            return self.local(path, private=private).open("rb")
        with self._source(entry) as stream:
            data = stream.read(entry.size + 1)
        self._verify(entry, io.BytesIO(data))
        return io.BytesIO(data)

    def local(self, path: str, *, private: bool = True) -> Path:
        """A private copy, so that what was checked is what is read.

        ``private=False`` is for readers of plain data: a large file that lies on this machine is checked and read
        where it is, without a copy of gigabytes. Whoever changes it in between can make the numbers wrong, no more.
        """
        entry = self.entry(path)
        target = self._in_scratch(path)
        if not private and entry.size > IN_MEMORY and isinstance(self._opener, FolderOpener):
            with self._source(entry) as stream:
                self._verify(entry, stream)
            return _linked(self._opener.path(entry), target)
        if not target.exists() or target.is_symlink():
            target.unlink(missing_ok=True)
            with self._source(entry) as stream, target.open("wb") as copy:
                shutil.copyfileobj(stream, copy, CHUNK)
            with target.open("rb") as copy:
                self._verify(entry, copy)
        return target

    def _in_scratch(self, path: str) -> Path:
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="modelyard-"))
            weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
        target = self._scratch.joinpath(*path.split("/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def verify(self) -> None:
        """Check every file without keeping any."""
        for entry in self._entries.values():
            with self._source(entry) as stream:
                self._verify(entry, stream)

    def _source(self, entry: FileEntry) -> IO[bytes]:
        self._fetch()
        try:
            return self._opener.open(entry)
        except FileMissing:
            raise Corrupted(
                f"{self._label}: the file {entry.path!r} of its card is missing",
                hint="restore it, or save the object again",
            ) from None

    def _fetch(self) -> None:
        """Once, before the first file is read: who reads one of them reads the others too."""
        if not self._fetched:
            self._fetched = True
            if isinstance(self._opener, FetchingOpener):
                self._opener.fetch(list(self._entries.values()))

    def _verify(self, entry: FileEntry, stream: IO[bytes]) -> None:
        sha256, size = sha256_stream(stream)
        if (sha256, size) != (entry.sha256, entry.size):
            raise Corrupted(
                f"{self._label}: the file {entry.path!r} is not what its card says "
                f"(sha256 {sha256[:12]}… of {size} bytes, expected {entry.sha256[:12]}… of {entry.size})",
                hint="it was changed or damaged after saving: restore it, or save the object again",
            )


def _linked(file: Path, link: Path) -> Path:
    """A link to a file, among the artifact's other files; the file itself where there can be no links."""
    if not link.exists():
        try:
            link.symlink_to(file.absolute())
        except OSError:
            return file
    return link


@dataclass(frozen=True)
class FolderFiles:
    """The files of a folder as `Files`, not verified: what this process wrote a moment ago."""

    folder: Path

    def names(self) -> Sequence[str]:
        found = (p for p in self.folder.rglob("*") if p.is_file())
        return sorted(p.relative_to(self.folder).as_posix() for p in found)

    def read(self, path: str) -> bytes:
        return self.local(path).read_bytes()

    def open(self, path: str, *, private: bool = True) -> IO[bytes]:
        return self.local(path).open("rb")

    def local(self, path: str, *, private: bool = True) -> Path:
        return self.folder / path


def refuse_extra_files(folder: Path, entries: Sequence[FileEntry]) -> None:
    """A file that the card does not name is refused: nobody vouches for it."""
    known = {e.path.split("/", 1)[1] for e in entries if "/" in e.path}
    extra = [name for name in list_below(folder) if name not in known]
    if extra:
        raise Corrupted(
            f"{folder}: the file {extra[0]!r} is not on its card",
            hint="remove it, or save the object again",
        )


class Part:
    """The files of an artifact below one of its folders, or all but some folders, under their inner names."""

    def __init__(self, files: Files, prefix: str = "", without: Sequence[str] = ()) -> None:
        self._files, self._prefix = files, prefix
        self._names = [
            name.removeprefix(prefix)
            for name in files.names()
            if name.startswith(prefix) and not any(name.startswith(w) for w in without)
        ]

    def names(self) -> Sequence[str]:
        return list(self._names)

    def read(self, path: str) -> bytes:
        return self._files.read(self._prefix + path)

    def open(self, path: str, *, private: bool = True) -> IO[bytes]:
        return self._files.open(self._prefix + path, private=private)

    def local(self, path: str, *, private: bool = True) -> Path:
        return self._files.local(self._prefix + path, private=private)
