"""Bring objects here: from a cache that has them, else from the remote, each once, verified and side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from modelyard.base.errors import Corrupted, FileMissing, NotFound
from modelyard.base.project import cache_bytes
from modelyard.stores.apart import Progress
from modelyard.stores.dvc.cache import ObjectFolder
from modelyard.stores.dvc.names import ObjectId, matches
from modelyard.stores.dvc.remotes import Remote, side_by_side


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object, and what it is there for."""

    oid: ObjectId
    path: str
    """From the root of the project, for messages and for remotes that keep files under their own names."""
    remote: str | None = None
    imported: str = ""


@runtime_checkable
class PathRemote(Protocol):
    """A remote that keeps files under their own names."""

    def fetch_path(self, path: str, target: Path) -> str:
        """As `Remote.fetch`, of what stands at a path of the project."""
        ...


@dataclass(frozen=True)
class Fetching:
    """Where objects are looked for, and where they are put."""

    label: str
    """The project, for messages."""
    caches: Sequence[ObjectFolder]
    into: ObjectFolder
    remote: Callable[[str | None], Remote]
    """By name, opened once; None is the default one."""
    jobs: int | None = None
    progress: Progress | None = None

    def bring(self, wanted: Sequence[Wanted]) -> dict[ObjectId, Path]:
        """Paths of all objects here. `NotFound`, `Corrupted` and what remotes raise name the file and the remote."""
        found: dict[ObjectId, Path] = {}
        missing: dict[ObjectId, Wanted] = {}
        for want in wanted:
            if want.oid in found or want.oid in missing:
                continue
            path = self.here(want)
            if path is None:
                missing[want.oid] = want
            else:
                found[want.oid] = path
        if missing:
            first = next(iter(missing.values()))
            jobs = self.jobs or self.remote(first.remote).jobs
            wants = list(missing.values())
            for want, path in zip(wants, side_by_side(self._fetched, wants, jobs), strict=True):
                found[want.oid] = path
            if self.into.ours:
                self.into.prune(cache_bytes(), frozenset(found.values()))
        return found

    def here(self, want: Wanted) -> Path | None:
        """Where a verified object lies already, or None."""
        for cache in self.caches:
            if (path := cache.verified(want.oid, self._named(want))) is not None:
                return path
        return None

    def _fetched(self, want: Wanted) -> Path:
        with _one_at_a_time(want.oid):
            if self.into.there(want.oid) and (path := self.here(want)):  # another was faster
                return path
            remote = self.remote(want.remote)
            with self.into.adding(want.oid) as target:
                md5 = self._bytes(remote, want, target)
                if not matches(want.oid, target, md5):
                    raise Corrupted(
                        f"{self._named(want)} is damaged in the remote {remote.name!r} ({remote.shown}): "
                        f"the md5 of its bytes is {md5}, expected {want.oid.md5}",
                        hint="who has the file undamaged can remove the object there and push it again",
                    )
                size = target.stat().st_size
        if self.progress is not None:
            self.progress(want.path, size)
        return self.into.path(want.oid)

    def _bytes(self, remote: Remote, want: Wanted, target: Path) -> str:
        # What was imported DVC would look for in the other repository, by that one's settings.
        by_path = isinstance(remote, PathRemote)
        if isinstance(remote, PathRemote) and not want.imported:
            return remote.fetch_path(want.path, target)
        # The remote may have been migrated.
        for oid in () if by_path else (want.oid, want.oid.other()):
            try:
                return remote.fetch(oid, target)
            except FileMissing:
                continue
        raise NotFound(
            f"{self._named(want)} ({want.oid.text}) is not in the remote {remote.name!r} ({remote.shown})",
            hint=f"it was imported from {want.imported}: fetch it there, or with dvc pull"
            if want.imported
            else "who saved it has to push it first: dvc push, or modelyard push",
        )

    def _named(self, want: Wanted) -> str:
        return f"{self.label}: {want.path}" if self.label else want.path


_locks: dict[ObjectId, threading.Lock] = {}
_guard = threading.Lock()


def _one_at_a_time(oid: ObjectId) -> threading.Lock:
    with _guard:
        if len(_locks) > 100_000:
            _locks.clear()
        return _locks.setdefault(oid, threading.Lock())
