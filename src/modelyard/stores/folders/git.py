"""What stands in a Git repository at a commit, here or behind a URL, as a `Folder`. Nothing is checked out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from modelyard.stores.folders.interface import Entry
from modelyard.stores.git.repository import Repository


class GitFolder:
    """The files of one commit. ``below`` is the sub-folder of it that paths start from."""

    def __init__(self, repository: Repository, commit: str, rev: str = "", below: str = "") -> None:
        self.repository, self.commit, self.rev, self.below = repository, commit, rev, below

    @property
    def label(self) -> str: ...

    @property
    def provenance(self) -> Mapping[str, Any]: ...

    def entry(self, path: str) -> Entry | None: ...

    def list(self, path: str = "") -> Sequence[Entry]: ...

    def open(self, path: str) -> IO[bytes]: ...

    def fetch(self, paths: Sequence[str]) -> None: ...


def git_folder(repo: str | Path, rev: str = "") -> GitFolder:
    """A repository (as `open_repository` takes it) at a revision. A local path to a sub-folder: paths start there."""
    ...
