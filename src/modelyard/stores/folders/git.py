"""What stands in a Git repository at a commit, here or behind a URL, as a `Folder`. Nothing is checked out."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from modelyard.base.errors import FileMissing, InvalidPath, NotSupported
from modelyard.base.paths import safe_segments
from modelyard.base.ref_types import GitRef, PathRef
from modelyard.stores.folders.interface import Entry, Folder
from modelyard.stores.git.objects import read_all
from modelyard.stores.git.pointers import is_pointer, pointed, pointer_in
from modelyard.stores.git.repository import Repository, open_repository
from modelyard.stores.git.trees import TreeEntry

SMALL = 1 << 20
"""Contents up to this size are read together when they are fetched, and kept in memory."""
_KEPT = 64 << 20


class GitFolder:
    """The files of one commit. ``below`` is the sub-folder of it that paths start from."""

    def __init__(self, repository: Repository, commit: str, rev: str = "", below: str = "") -> None:
        self.repository, self.commit, self.rev, self.below = repository, commit, rev, below
        self._read: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"GitFolder({self.label!r})"

    @property
    def label(self) -> str:
        below = f"#{self.below}" if self.below else ""
        return f"{self.repository.label}@{self.commit[:7]}{below}"

    def ref(self, path: str) -> str:
        if path:
            safe_segments(path)
        place = self._whole(path)
        return str(GitRef(self.repository.url, self.commit, PathRef(place) if place else None))

    @property
    def provenance(self) -> Mapping[str, Any]:
        return {
            "git": {"repo": self.repository.url, "rev": self.rev or "HEAD", "commit": self.commit}
        }

    def entry(self, path: str) -> Entry | None:
        found = self._found(path)
        if found is None or found.is_folder:
            return None if found is None else Entry(path, None)
        return Entry(path, self._sizes([found]).get(found.oid, -1))

    def list(self, path: str = "") -> Sequence[Entry]:
        found = self._found(path)
        if found is None or not found.is_folder:
            raise FileMissing(f"no folder {path!r} in {self.label}")
        tree = self.repository.tree(self.commit)
        start = len(self.below) + 1 if self.below else 0
        inside = [child for child in tree.children(self._whole(path)) if _plain(child)]
        files = [tree[child] for child in inside if tree[child].is_file]
        sizes = self._sizes(files)
        entries = [
            Entry(child[start:], None if tree[child].is_folder else sizes.get(tree[child].oid, -1))
            for child in inside
            if tree[child].is_file or tree[child].is_folder
        ]
        return sorted(entries, key=lambda entry: entry.path)

    def whole(self) -> tuple[Folder, str]:
        """See `interface.Part`."""
        return GitFolder(self.repository, self.commit, self.rev) if self.below else self, self.below

    def paths(self) -> Iterator[str]:
        """See `interface.Known`."""
        below = f"{self.below}/" if self.below else ""
        for path, entry in self.repository.tree(self.commit).items():
            if entry.is_file and path.startswith(below) and _plain(path):
                yield path[len(below) :]

    def open(self, path: str) -> IO[bytes]:
        found = self._found(path)
        if found is None or found.is_folder:
            raise FileMissing(f"no file {path!r} in {self.label}")
        if found.oid not in self._read:
            self._bring([found.oid])
        if (data := self._read.get(found.oid)) is not None:
            return io.BytesIO(data)
        stream = self.repository.open(found.oid)
        if pointer := pointer_in(stream):
            stream.close()
            what = f"{path!r} in {self.label}"
            return pointed(self.repository.git_dir, self.repository.url, pointer, what)
        return stream

    def fetch(self, paths: Sequence[str]) -> None:
        found = [self._reached(path) for path in paths]
        self._bring([entry.oid for entry in found if entry and entry.is_file])

    def _bring(self, oids: Sequence[str]) -> None:
        """Contents that are not here come in one request; small ones are read in one go, too."""
        self.repository.fetch(oids, self.commit)
        sizes = self.repository.sizes([oid for oid in oids if oid not in self._read])
        room = _KEPT - sum(map(len, self._read.values()))
        small: list[str] = []
        for oid, size in sizes.items():
            if size <= min(SMALL, room):
                small.append(oid)
                room -= size
        read = read_all(self.repository.git_dir, small)
        self._read |= {oid: data for oid, data in read.items() if not is_pointer(data)}

    def _whole(self, path: str) -> str:
        return f"{self.below}/{path}".strip("/")

    def _found(self, path: str) -> TreeEntry | None:
        """What stands at a path; refused where the path runs through a link, or is one."""
        if path:
            safe_segments(path)
        tree = self.repository.tree(self.commit)
        whole = self._whole(path)
        if not whole:
            return TreeEntry("040000", "")
        parts = whole.split("/")
        for length in range(1, len(parts) + 1):
            entry = tree.get("/".join(parts[:length]))
            if entry is None:
                return None
            if entry.is_link:
                raise InvalidPath(f"path {path!r} is refused: {parts[length - 1]!r} is a link in {self.label}")  # fmt: skip
            if entry.is_submodule:
                raise NotSupported(
                    f"{path!r} is in a submodule of {self.label}, which is a repository of its own",
                    hint=f"git+<URL of that repository>@{entry.oid}",
                )
        return tree[whole]

    def _reached(self, path: str) -> TreeEntry | None:
        """The same, with None where a path is refused only because of what stands there: opening it will say so."""
        safe_segments(path)
        with contextlib.suppress(InvalidPath, NotSupported):
            return self._found(path)
        return None

    def _sizes(self, entries: Sequence[TreeEntry]) -> Mapping[str, int]:
        return self.repository.sizes([entry.oid for entry in entries])


def _plain(path: str) -> bool:
    """Whether the name is one that could be asked for; others are left out of lists."""
    try:
        safe_segments(path.rpartition("/")[2])
    except InvalidPath:
        return False
    return True


def git_folder(repo: str | Path, rev: str = "") -> GitFolder:
    """A repository (as `open_repository` takes it) at a revision. A local path to a sub-folder: paths start there."""
    repository = open_repository(repo)
    return GitFolder(repository, repository.commit(rev), rev, repository.prefix)
