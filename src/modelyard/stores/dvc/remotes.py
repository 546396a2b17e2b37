"""Where objects are kept away from here: the contract of a remote, and which one a setting means.

How to add one: a module with a class that has these methods, and its scheme in `open_remote`.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from modelyard.base.clock import new_id
from modelyard.base.digests import CHUNK
from modelyard.base.errors import FileMissing, InvalidPath, NotSupported
from modelyard.base.paths import discard, full_disk_named
from modelyard.stores.dvc.config import RemoteSettings
from modelyard.stores.dvc.names import ObjectId
from modelyard.stores.dvc.policy import honoured

T = TypeVar("T")
R = TypeVar("R")


class Remote(Protocol):
    """What every remote does. Its methods are called from several threads."""

    name: str
    shown: str
    """For messages: the URL without what is secret."""
    jobs: int
    """How many transfers side by side."""

    def fetch(self, oid: ObjectId, target: Path) -> str:
        """Write an object's bytes to a new file; their md5. `FileMissing` when it is not there."""
        ...

    def sizes(self, oids: Sequence[ObjectId], jobs: int) -> dict[ObjectId, int]:
        """Those that are there, with their sizes in bytes; as few questions as possible."""
        ...

    def send(self, oid: ObjectId, source: Path) -> None:
        """Keep an object; it appears when it is whole."""
        ...


def open_remote(settings: RemoteSettings) -> Remote:
    """The remote of settings. Nothing is asked of it yet."""
    scheme, told = settings.scheme, honoured(settings)
    if told.flag("version_aware") or told.flag("worktree"):
        raise NotSupported(
            f"the remote {settings.name!r} keeps files by versions of the bucket, not by content",
            hint="DVC itself reads it: pip install 'modelyard[dvc]'",
        )
    if scheme in ("", "file"):
        path = settings.url.removeprefix("file://")
        if not Path(path).is_absolute():
            raise InvalidPath(
                f"the remote {settings.name!r} is the folder {path!r} beside a repository that is not on this machine",
                hint="its owner has to name a remote that others can reach",
            )
        return FolderRemote(settings.name, Path(path))
    if scheme in ("http", "https"):
        from modelyard.stores.dvc.http import HttpRemote

        return HttpRemote(settings, told)
    if scheme in ("s3", "gs", "azure", "ssh"):
        from modelyard.stores.dvc.filesystems import file_system_remote

        return file_system_remote(settings, told)
    raise NotSupported(
        f"the remote {settings.name!r} is reached by {scheme}://, which only DVC itself can",
        hint="pip install 'modelyard[dvc]', and DVC's own extra for it",
    )


class FolderRemote:
    """A folder of this machine, or one that is mounted here."""

    jobs = 1

    def __init__(self, name: str, root: Path) -> None:
        self.name, self.root = name, root
        self.shown = str(root)

    def fetch(self, oid: ObjectId, target: Path) -> str:
        try:
            source = (self.root / oid.place).open("rb")
        except (FileNotFoundError, NotADirectoryError):
            raise FileMissing(f"no {oid.text} in {self.shown}") from None
        with source, target.open("xb") as file:
            return copied(source, file)

    def sizes(self, oids: Sequence[ObjectId], jobs: int) -> dict[ObjectId, int]:
        found: dict[ObjectId, int] = {}
        for oid in oids:
            try:
                found[oid] = (self.root / oid.place).stat().st_size
            except (FileNotFoundError, NotADirectoryError):
                continue
        return found

    def send(self, oid: ObjectId, source: Path) -> None:
        target = self.root / oid.place
        with full_disk_named(self.root):
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{new_id()[-12:]}.tmp")
            try:
                shutil.copyfile(source, temporary)
                temporary.replace(target)
            finally:
                discard(temporary)


def copied(source: IO[bytes] | Any, target: IO[bytes]) -> str:
    """Copy a stream to its end; the md5 of what went through."""
    digest = hashlib.md5(usedforsecurity=False)
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        target.write(chunk)
    return digest.hexdigest()


def side_by_side(work: Callable[[T], R], items: Iterable[T], jobs: int) -> list[R]:
    """The results of work, in order, so many at a time. The first error is raised when those that have begun are done."""
    wanted = list(items)
    if jobs <= 1 or len(wanted) <= 1:
        return [work(item) for item in wanted]
    with ThreadPoolExecutor(min(jobs, len(wanted)), "dvc") as pool:
        running = [pool.submit(work, item) for item in wanted]
        try:
            return [future.result() for future in running]
        finally:
            for future in running:
                future.cancel()


def without_secrets(url: str) -> str:
    """A URL to show: no password, no query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
