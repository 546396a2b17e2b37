"""A DVC project within a folder: its settings, its remotes, and what it tracks."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from modelyard.base.errors import FileMissing, NotSupported
from modelyard.stores.apart import Progress
from modelyard.stores.dvc.cache import ObjectFolder, user_objects
from modelyard.stores.dvc.config import (
    FILE,
    FOLDER,
    OWN_FILE,
    Config,
    Option,
    file_config,
    parse_config,
    reader_config,
    remote_settings,
)
from modelyard.stores.dvc.fetching import Fetching, Wanted
from modelyard.stores.dvc.manifests import MAX_BYTES as MOST_IN_MANIFEST
from modelyard.stores.dvc.manifests import read_manifest
from modelyard.stores.dvc.names import ObjectId
from modelyard.stores.dvc.pointers import LOCK, PIPELINE, SUFFIX, Output, is_pointer, read_outputs
from modelyard.stores.dvc.policy import refuse_inside
from modelyard.stores.dvc.remotes import Remote, open_remote
from modelyard.stores.folders.interface import Entry, Folder
from modelyard.stores.folders.local import LocalFolder
from modelyard.stores.plain_yaml import MAX_BYTES

MOST_FOLDERS = 5_000
"""A search through the whole project ends here."""
MOST_IN_FILE = 1 << 20
"""Bytes that are read of a configuration, and of a ``.gitignore``."""
_PASSED_OVER = frozenset([".git", ".dvc", "node_modules", "__pycache__", ".venv", "venv"])


def below(folder: str, name: str) -> str:
    """A path in a folder, of which ``""`` is the root."""
    return f"{folder}/{name}" if folder else name


def above(path: str) -> str:
    """The folder that a path is in."""
    return path.rpartition("/")[0]


class Project:
    """The folder of ``folder`` at ``root`` that has a ``.dvc``."""

    def __init__(self, folder: Folder, root: str = "") -> None:
        self.folder, self.root = folder, root
        self.here = _on_this_machine(folder, root)
        self._far = "" if self.here else _repository(folder)
        self._remotes: dict[str | None, Remote] = {}
        self._outputs: dict[str, list[Output]] = {}
        self._manifests: dict[ObjectId, Mapping[str, ObjectId]] = {}
        self._lock = threading.RLock()

    @property
    def label(self) -> str:
        """For messages."""
        return self.folder.label

    @functools.cached_property
    def config(self) -> Config:
        """All levels."""
        path = below(self.root, FILE)
        base = str(self.here / FOLDER) if self.here else None
        with self.folder.open(path) as stream:
            found = parse_config(stream.read(MOST_IN_FILE), f"{self.label}: {path}", "repo", base)
        if self.here is not None and not isinstance(self.folder, LocalFolder):
            found = _with_remotes_of_today(found, self.here / FILE)
        found = found.over(reader_config())
        if self.here is not None and _is_own(self.here / OWN_FILE):
            found = file_config(self.here / OWN_FILE, "local").over(found)
        return found

    @functools.cached_property
    def cache(self) -> ObjectFolder | None:
        """The project's own cache on this machine."""
        told = self.config.get("cache", "dir")
        if told is not None and Path(told.value).is_absolute():
            return ObjectFolder(Path(told.value))
        return None if self.here is None else ObjectFolder(self.here / FOLDER / "cache")

    @property
    def link_kinds(self) -> tuple[str, ...]:
        """How the working tree gets its files: ``cache.type``."""
        told = self.config.get("cache", "type")
        kinds = tuple(k for word in told.value.split(",") if (k := word.strip())) if told else ()
        known = tuple(k for k in kinds if k in ("reflink", "hardlink", "symlink", "copy"))
        return (*known, "copy") if known else ("reflink", "copy")

    def remote(self, name: str | None) -> Remote:
        """A remote by its name; None is the default one."""
        with self._lock:
            if name not in self._remotes:
                where = f"{self.label}: {below(self.root, FILE)}"
                settings = remote_settings(self.config, name, where)
                if self._far:
                    refuse_inside(settings, self._far, reader_config())
                try:
                    self._remotes[name] = open_remote(settings)
                except NotSupported as error:
                    from modelyard.stores.dvc.library import library_remote

                    self._remotes[name] = library_remote(self, settings, error)
            return self._remotes[name]

    def fetching(
        self,
        into: ObjectFolder | None = None,
        *,
        remote: str | None = None,
        jobs: int | None = None,
        progress: Progress | None = None,
    ) -> Fetching:
        """How objects of this project are brought here: into the user's cache unless said otherwise."""
        ours = user_objects()
        caches = [cache for cache in (into, self.cache, ours) if cache is not None]
        return Fetching(
            self.label,
            list(dict.fromkeys(caches)),
            into or ours,
            lambda name: self.remote(remote or name),
            jobs,
            progress,
        )

    def manifest(self, output: Output, fetching: Fetching | None = None) -> Mapping[str, ObjectId]:
        """The files of a folder that is tracked: path below it -> what it is."""
        if output.oid is None:
            raise NotSupported(
                f"{self.label}: {output.path} has no md5 in {output.pointer}",
                hint="DVC itself may know it: dvc pull, and modelyard reads what is there then",
            )
        if output.oid not in self._manifests:
            wanted = self.wanted(output)
            path = (fetching or self.fetching()).bring([wanted])[output.oid]
            where = f"{self.label}: the manifest of {output.path}"
            with path.open("rb") as stream:
                data = stream.read(MOST_IN_MANIFEST + 1)
            self._manifests[output.oid] = read_manifest(data, where, legacy=output.oid.legacy)
        return self._manifests[output.oid]

    def wanted(self, output: Output, inner: str = "", oid: ObjectId | None = None) -> Wanted:
        """An output's own object, or that of a file in it."""
        path = f"{output.path}/{inner}" if inner else output.path
        found = oid or output.oid
        assert found is not None
        return Wanted(found, path, output.remote, output.imported)

    def outputs_of(self, pointer: str) -> list[Output]:
        """What a ``.dvc`` file or a ``dvc.lock`` (a path from the folder's root) tells of; none when it is not there."""
        if pointer not in self._outputs:
            try:
                with self.folder.open(pointer) as stream:
                    data = stream.read(MAX_BYTES + 1)
            except FileMissing:
                self._outputs[pointer] = []
                return []
            pipeline = self._pipeline(pointer, data)
            self._outputs[pointer] = read_outputs(data, pointer, self.label, pipeline)
        return self._outputs[pointer]

    def _pipeline(self, pointer: str, data: bytes) -> bytes | None:
        if not pointer.endswith(LOCK) or not data.strip():
            return None
        try:
            with self.folder.open(below(above(pointer), PIPELINE)) as stream:
                return stream.read(MAX_BYTES + 1)
        except FileMissing:
            return None

    def pointers_in(self, folder: str) -> list[str]:
        """The files directly in a folder that tell of outputs."""
        return [e.path for e in self._listed(folder) if not e.is_folder and is_pointer(e.name)]

    def _listed(self, folder: str) -> Sequence[Entry]:
        try:
            return self.folder.list(folder)
        except FileMissing:
            return []

    def all_pointers(self, start: str = "") -> Iterator[str]:
        """Those of the whole project, or below one of its folders; other projects within it are left out."""
        waiting, seen = [start or self.root], 0
        while waiting and seen < MOST_FOLDERS:
            folder, seen = waiting.pop(), seen + 1
            entries = self._listed(folder)
            names = {e.name for e in entries if e.is_folder}
            if folder != self.root and FOLDER in names and self._has_project(folder):
                continue
            yield from (e.path for e in entries if not e.is_folder and is_pointer(e.name))
            waiting += [
                e.path for e in reversed(entries) if e.is_folder and e.name not in _PASSED_OVER
            ]

    def _has_project(self, folder: str) -> bool:
        return self.folder.entry(below(folder, FILE)) is not None

    def tracking(self, path: str) -> Output | None:
        """The output that a path is, or is in."""
        if (found := self._by_name(path)) is not None:
            return found
        for folder in self._folders_to(path):
            outputs = (o for p in self.pointers_in(folder) for o in self.outputs_of(p))
            if (found := _first_with(path, outputs)) is not None:
                return found
        if self._is_ignored(path):  # so it is somewhere: a pipeline elsewhere may make it
            return _first_with(path, (o for p in self.all_pointers() for o in self.outputs_of(p)))
        return None

    def _by_name(self, path: str) -> Output | None:
        """By the pointer that stands beside what it points to, as nearly all do: no folder is listed."""
        at = path
        while len(at) > len(self.root) and at:
            if self.folder.entry(at + SUFFIX) is not None:
                found = _first_with(path, self.outputs_of(at + SUFFIX))
                if found is not None:
                    return found
            at = above(at)
        return None

    def _folders_to(self, path: str) -> Iterator[str]:
        at = path
        while at and len(at) > len(self.root):
            at = above(at)
            yield at

    def _is_ignored(self, path: str) -> bool:
        """Whether a ``.gitignore`` names it as DVC does, which writes a line for each output."""
        at = path
        while at and len(at) > len(self.root):
            folder, name = above(at), at.rpartition("/")[2]
            try:
                with self.folder.open(below(folder, ".gitignore")) as stream:
                    if f"/{name}".encode() in stream.read(MOST_IN_FILE).split():
                        return True
            except FileMissing:
                pass
            at = folder
        return False

    def outputs_below(self, folder: str) -> Iterator[Output]:
        """Outputs below a folder that are told of in it or above it."""
        inside = f"{folder}/" if folder else ""
        for at in (folder, *self._folders_to(folder)):
            for pointer in self.pointers_in(at):
                yield from (o for o in self.outputs_of(pointer) if o.path.startswith(inside))


def _first_with(path: str, outputs: Iterable[Output]) -> Output | None:
    return next((o for o in outputs if path == o.path or path.startswith(f"{o.path}/")), None)


def _on_this_machine(folder: Folder, root: str) -> Path | None:
    """The same project in a working tree here, whose cache and own settings can be used."""
    if isinstance(folder, LocalFolder):
        return folder.root / root if root else folder.root
    if not (told := _repository(folder)):
        return None
    path = unquote(urlsplit(told).path) if told.startswith("file://") else told
    at = Path(path) / root if Path(path).is_absolute() else None
    return at if at is not None and (at / FOLDER).is_dir() else None


def _repository(folder: Folder) -> str:
    """The URL of the repository that a folder is of."""
    told = cast("Mapping[str, Any]", folder.provenance.get("git") or {}).get("repo")
    return told if isinstance(told, str) else ""


def _with_remotes_of_today(found: Config, file: Path) -> Config:
    """At an older revision the remotes may have had other addresses: those that the repository names now count."""
    if not file.is_file():
        return found
    now = file_config(file, "repo")
    remotes: dict[str, Mapping[str, Option]] = {
        name: now.remotes.get(name, section) for name, section in found.remotes.items()
    }
    return Config(found.sections, {**now.remotes, **remotes})


def _is_own(file: Path) -> bool:
    """Whether a ``config.local`` is the reader's: one that Git has came with the repository."""
    if not file.is_file():
        return False
    from modelyard.stores.git.command import NO_HIDDEN, GitFailed, git

    words = (*NO_HIDDEN, "ls-files", "--", f"{file.parent.name}/{file.name}")
    try:
        return not git(file.parent.parent, *words).strip()
    except NotSupported:  # no Git here
        return True
    except GitFailed as error:  # what Git will not look at, it cannot call the reader's
        return "not a git repository" in error.stderr
