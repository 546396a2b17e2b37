"""The contract of a folder: files to read under relative paths, on this machine, at a commit, in a bucket, behind a URL.

Nothing is written through it and nothing is trusted: who reads a file that has a digest checks it. A path is ``/``-joined
segments without ``.`` and ``..``; one that leaves the folder is `InvalidPath`. Links in the folder are not followed.

How to add one: write ``stores/folders/<name>.py`` with a class that has these methods, and a case file
``tests/cases/folders/<name>.py`` that makes one with given files. ``testing/folders.py`` holds the contract.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Entry:
    """A file with its size in bytes, or a folder (whose ``size`` is None)."""

    path: str
    """From the root of the `Folder`."""
    size: int | None
    """-1 of a file whose size is not known before it was fetched."""

    @property
    def is_folder(self) -> bool:
        """Whether other entries may be below it."""
        return self.size is None

    @property
    def name(self) -> str:
        """The last segment of the path."""
        return self.path.rpartition("/")[2]


class Folder(Protocol):
    """What every folder does."""

    @property
    def label(self) -> str:
        """For messages and for people: a path, ``git+https://host/org/repo@1f2e3d4…``, ``s3://bucket/models``. No secrets."""
        ...

    def ref(self, path: str) -> str:
        """What stands at a path as a reference that opens it again: ``/srv/models/churn``,
        ``git+https://host/org/repo@1f2e3d4…#models/churn``, ``s3://bucket/models/churn``."""
        ...

    @property
    def provenance(self) -> Mapping[str, Any]:
        """What is to be recorded of the place wherever something of it is used, as plain JSON:
        ``{"git": {"repo", "rev", "commit"}}``, ``{"url"}``; empty for a folder of this machine."""
        ...

    def entry(self, path: str) -> Entry | None:
        """What stands at a path; None when nothing does. ``""`` is the folder itself."""
        ...

    def list(self, path: str = "") -> Sequence[Entry]:
        """What is directly in a folder, by name. `FileMissing` where there is none, `NotSupported` where that cannot be
        known (behind a plain URL)."""
        ...

    def open(self, path: str) -> IO[bytes]:
        """A file to be read from its beginning, not verified. `FileMissing` when there is none."""
        ...

    def fetch(self, paths: Sequence[str]) -> None:
        """Bring files here, as few requests as possible and side by side, so that opening them costs no more round trips.
        What is missing is passed over: opening it will say so. Nothing to do where files are here already."""
        ...


@runtime_checkable
class Flat(Protocol):
    """A folder that lists all its files at once, without a look into each folder below it."""

    def files_below(self, path: str = "") -> Iterator[Entry]:
        """All files below a folder."""
        ...


@runtime_checkable
class Known(Protocol):
    """A folder whose paths are all known before anything is asked: that of a commit."""

    def paths(self) -> Iterator[str]:
        """The paths of all files; their sizes would have to be asked for."""
        ...


@runtime_checkable
class Part(Protocol):
    """A folder that may be below another one of the same kind."""

    def whole(self) -> tuple[Folder, str]:
        """The folder that all of it is in, and the way from there; itself and ``""`` where it is all."""
        ...


@runtime_checkable
class Overlay(Protocol):
    """A folder that shows more over another."""

    @property
    def folder(self) -> Folder:
        """The other one."""
        ...
