"""A repository on this machine, read where it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from modelyard.base.errors import FileMissing, InvalidReference, ModelyardError, NotAllowed
from modelyard.stores.git.command import GitFailed, git, git_text, lines_of
from modelyard.stores.git.objects import READING, Sizes, opened, tree_of
from modelyard.stores.git.revisions import checked, missing
from modelyard.stores.git.trees import Tree

_FORMAT = "--format=%(refname)%00%(objectname)%00%(*objectname)"


class LocalRepository:
    """`Repository` at a path: a worktree, a bare repository, or a folder inside one."""

    is_local = True

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise FileMissing(f"there is no folder {path}")
        folder = (path if path.is_dir() else path.parent).resolve()
        try:
            words = ("rev-parse", "--absolute-git-dir", "--is-inside-work-tree", "--show-prefix")
            git_dir, inside, *prefixes = git_text(folder, *words).split("\n")
        except GitFailed as error:
            raise _explained(error, path) from None
        self.git_dir, self.prefix = Path(git_dir), "".join(prefixes).rstrip("/")
        depth = self.prefix.count("/") + 1 if self.prefix else 0
        self.root = [folder, *folder.parents][depth] if inside == "true" else self.git_dir
        self._trees: dict[str, Tree] = {}
        self._sizes = Sizes()

    def __repr__(self) -> str:
        return f"LocalRepository({str(self.root)!r})"

    @property
    def url(self) -> str:
        return self.root.as_uri()

    @property
    def label(self) -> str:
        return str(self.root)

    def commit(self, rev: str = "") -> str:
        word = checked(rev) or "HEAD"
        try:
            return git_text(
                self.git_dir,
                *("rev-parse", "--verify", "--end-of-options", f"{word}^{{commit}}"),
                environment=READING,
            )
        except GitFailed as error:
            if "ambiguous" in error.stderr:
                raise InvalidReference(
                    f"{self.label}: {rev!r} is the beginning of several commits",
                    hint="more of its digits",
                ) from None
            raise missing(rev, self.label, self._names()) from None

    def refs(self) -> Mapping[str, str]:
        found = {
            name: self._peeled(oids) for name, *oids in self._listed("refs/heads", "refs/tags")
        }
        try:
            return {"HEAD": self.commit(), **found}
        except LookupError:
            return found

    def tree(self, commit: str) -> Tree:
        if commit not in self._trees:
            self._trees[commit] = tree_of(self.git_dir, checked(commit))
        return self._trees[commit]

    def fetch(self, oids: Sequence[str], commit: str = "") -> None:
        """Everything is here; what a partial clone lacks Git itself brings."""

    def sizes(self, oids: Sequence[str]) -> Mapping[str, int]:
        return self._sizes.of(self.git_dir, [checked(oid) for oid in oids])

    def read(self, oid: str) -> bytes:
        return git(self.git_dir, "cat-file", "blob", checked(oid), environment=READING)

    def open(self, oid: str) -> IO[bytes]:
        return opened(self.git_dir, checked(oid))

    def fetch_tags(self) -> None:
        """They are here."""

    def _names(self) -> list[str]:
        return [name for name, *_ in self._listed("refs/heads", "refs/tags", "refs/remotes")]

    def _listed(self, *places: str) -> list[list[str]]:
        listed = git_text(self.git_dir, "for-each-ref", _FORMAT, *places)
        return [line.split("\0") for line in lines_of(listed)]

    @staticmethod
    def _peeled(oids: Sequence[str]) -> str:
        return oids[1] or oids[0]


def _explained(error: GitFailed, path: Path) -> ModelyardError:
    if "not a git repository" in error.stderr:
        return FileMissing(
            f"{path} is in no Git repository", hint="--project names one, by folder or URL"
        )
    if "dubious ownership" in error.stderr:
        return NotAllowed(
            f"the repository at {path} belongs to another user, and Git does not read it",
            hint=f"git config --global --add safe.directory {path}",
        )
    return error
