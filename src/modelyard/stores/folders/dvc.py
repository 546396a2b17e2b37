"""A folder with what DVC keeps out of it: tracked files and folders appear, and open, as if they were there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import IO, Any

from modelyard.base.errors import FileMissing, InvalidPath
from modelyard.base.paths import safe_segments
from modelyard.stores.dvc.config import FILE
from modelyard.stores.dvc.fetching import Wanted
from modelyard.stores.dvc.names import ObjectId
from modelyard.stores.dvc.pointers import Output
from modelyard.stores.dvc.project import Project, above, below
from modelyard.stores.dvc.roots import project_root
from modelyard.stores.folders.interface import Entry, Folder, Part
from modelyard.stores.folders.local import LocalFolder


def with_dvc(folder: Folder) -> Folder:
    """The same folder, in which DVC-tracked files and folders (``.dvc`` pointers and outputs in ``dvc.lock``) are there too.

    What stands in the folder itself comes first and costs nothing more. The rest is fetched when it is opened: from the
    project's own cache, the user's cache, else its remote, verified by md5 and kept in the user's cache. A folder without
    a ``.dvc/config`` (at its root, or above a path that is asked for) answers as it always did.
    """
    if isinstance(folder, TrackedFolder):
        return folder
    whole, prefix = _whole(folder)
    return TrackedFolder(folder, whole, prefix)


def _whole(folder: Folder) -> tuple[Folder, str]:
    """The folder that a DVC project may begin in, and the way from there: a sub-folder's project is often above it."""
    if isinstance(folder, LocalFolder):
        root = project_root(folder.root)
        if root is not None and root != folder.root:
            return LocalFolder(root), folder.root.relative_to(root).as_posix()
        return folder, ""
    return folder.whole() if isinstance(folder, Part) else (folder, "")


class TrackedFolder:
    """A folder, and over it what its DVC projects track."""

    def __init__(self, folder: Folder, whole: Folder, prefix: str) -> None:
        self.folder, self._whole, self._prefix = folder, whole, prefix
        self._projects: dict[str, Project | None] = {}

    @property
    def label(self) -> str:
        """The folder's."""
        return self.folder.label

    @property
    def provenance(self) -> Mapping[str, Any]:
        """The folder's: the pointer in it fixes the bytes by their md5."""
        return self.folder.provenance

    def ref(self, path: str) -> str:
        """The folder's."""
        return self.folder.ref(path)

    def entry(self, path: str) -> Entry | None:
        """Of the folder, else of what is tracked."""
        try:
            found, refused = self.folder.entry(path), None
        except InvalidPath as error:  # a link, as it may be one into DVC's cache
            found, refused = None, error
        if found is not None or not self._full(path):
            return found
        project = self._project(self._full(path)) if refused is None or _plain(path) else None
        tracked = None if project is None else self._tracked_entry(project, path)
        if tracked is None and refused is not None:
            raise refused
        return tracked

    def _tracked_entry(self, project: Project, path: str) -> Entry | None:
        full = self._full(path)
        output = project.tracking(full)
        if output is None:
            implied = any(o.path.startswith(f"{full}/") for o in project.outputs_below(above(full)))
            return Entry(path, None) if implied else None
        if output.oid is None:
            return None
        inner = full[len(output.path) + 1 :]
        if not output.oid.folder:
            return None if inner else Entry(path, self._size(project, output, "", output.oid))
        if not inner:
            return Entry(path, None)
        files = project.manifest(output)
        if inner in files:
            return Entry(path, self._size(project, output, inner, files[inner]))
        return Entry(path, None) if any(f.startswith(f"{inner}/") for f in files) else None

    def list(self, path: str = "") -> Sequence[Entry]:
        """Of the folder, and what is tracked in it."""
        full = self._full(path)
        project = self._project_at(full)
        if project is None:
            return self.folder.list(path)
        try:
            found = {entry.name: entry for entry in self.folder.list(path)}
            missing = None
        except FileMissing as error:
            found, missing = {}, error
        added = self._tracked_in(project, full)
        if missing is not None and not added:
            raise missing
        for name, entry in added.items():
            found.setdefault(name, Entry(below(path, name), entry.size))
        return [found[name] for name in sorted(found)]

    def _tracked_in(self, project: Project, full: str) -> dict[str, Entry]:
        output = project.tracking(full) if full else None
        if output is not None and output.oid is not None and output.oid.folder:
            return self._inside(project, output, full[len(output.path) + 1 :])
        start = len(full) + 1 if full else 0
        found: dict[str, Entry] = {}
        for out in project.outputs_below(full):
            name, deeper, _ = out.path[start:].partition("/")
            if out.oid is None or not name:
                continue
            if deeper or out.oid.folder:
                found[name] = Entry(below(full, name), None)
            else:
                found[name] = Entry(out.path, self._size(project, out, "", out.oid))
        return found

    def _inside(self, project: Project, output: Output, inner: str) -> dict[str, Entry]:
        """What is directly in a folder of a tracked folder."""
        start = len(inner) + 1 if inner else 0
        found: dict[str, Entry] = {}
        for path, oid in project.manifest(output).items():
            if inner and not path.startswith(f"{inner}/"):
                continue
            name, deeper, _ = path[start:].partition("/")
            if deeper:
                found[name] = Entry(f"{output.path}/{below(inner, name)}", None)
            else:
                size = self._size(project, output, path, oid)
                found[name] = Entry(f"{output.path}/{path}", size)
        return found

    def open(self, path: str) -> IO[bytes]:
        """A file of the folder, else a tracked one, verified by its md5."""
        try:
            return self.folder.open(path)
        except (FileMissing, InvalidPath):
            if not _plain(path):
                raise
            project = self._project(self._full(path))
            wanted = None if project is None else self._wanted(project, self._full(path))
            if project is None or len(wanted or ()) != 1:
                raise
        assert wanted is not None
        return project.fetching().bring(wanted)[wanted[0].oid].open("rb")

    def fetch(self, paths: Sequence[str]) -> None:
        """Bring files here; of a tracked folder all that is in it."""
        plain: list[str] = []
        wanted: dict[int, tuple[Project, list[Wanted]]] = {}
        for path in paths:
            try:
                if self.folder.entry(path) is not None:
                    plain.append(path)
                    continue
            except InvalidPath:
                if not _plain(path):
                    raise
            project = self._project(self._full(path))
            if project is not None:
                _, wants = wanted.setdefault(id(project), (project, []))
                wants += self._wanted(project, self._full(path), folders=True)
        if plain:
            self.folder.fetch(plain)
        for project, wants in wanted.values():
            project.fetching().bring(wants)

    def _wanted(self, project: Project, full: str, folders: bool = False) -> list[Wanted]:
        output = project.tracking(full)
        if output is None or output.oid is None:
            return []
        inner = full[len(output.path) + 1 :]
        if not output.oid.folder:
            return [] if inner else [project.wanted(output)]
        files = project.manifest(output)
        if inner in files:
            return [project.wanted(output, inner, files[inner])]
        if not folders:
            return []
        start = f"{inner}/" if inner else ""
        return [project.wanted(output, p, oid) for p, oid in files.items() if p.startswith(start)]

    @staticmethod
    def _size(project: Project, output: Output, inner: str, oid: ObjectId) -> int:
        """In bytes; -1 where that is not known: a manifest has no sizes, and asking a remote for each would cost more than
        it is worth."""
        for cache in project.fetching().caches:
            if (there := cache.there(oid)) is not None:
                return there.stat().st_size
        alone = not inner or len(project.manifest(output)) == 1
        return output.size if alone and output.size is not None else -1

    def _full(self, path: str) -> str:
        return below(self._prefix, path) if path else self._prefix

    def _project(self, full: str) -> Project | None:
        """The project that a path is in: the nearest above it."""
        return self._project_at(above(full)) if full else None

    def _project_at(self, folder: str) -> Project | None:
        if folder not in self._projects:
            if self._whole.entry(below(folder, FILE)) is not None:
                self._projects[folder] = Project(self._whole, folder)
            else:
                self._projects[folder] = self._project_at(above(folder)) if folder else None
        return self._projects[folder]


def _plain(path: str) -> bool:
    try:
        safe_segments(path)
    except InvalidPath:
        return False
    return True
