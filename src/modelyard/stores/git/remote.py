"""A repository behind a URL: what is needed of it is brought into a mirror in the cache, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TypeVar

from modelyard.base.errors import InvalidReference, ModelyardError, NotFound
from modelyard.stores.git import calling
from modelyard.stores.git.address import Address
from modelyard.stores.git.command import GitFailed, git, git_text, lines_of
from modelyard.stores.git.mirror import Mirror, prune
from modelyard.stores.git.objects import READING, Sizes, opened, tree_of
from modelyard.stores.git.revisions import (
    FULL,
    SHORT,
    checked,
    chosen,
    missing,
    patterns_of,
    peeled,
    steps_of,
)
from modelyard.stores.git.trees import Tree

T = TypeVar("T")


class RemoteRepository:
    """`Repository` behind a URL. Nothing is asked of the server before something is wanted of it."""

    is_local = False
    prefix = ""

    def __init__(self, address: Address) -> None:
        self._mirror = Mirror(address)
        self.url = address.url
        self._found_by: dict[str, str] = {}
        self._trees: dict[str, Tree] = {}
        self._sizes = Sizes()

    def __repr__(self) -> str:
        return f"RemoteRepository({self.url!r})"

    @property
    def label(self) -> str:
        return f"git+{self.url}"

    @property
    def git_dir(self) -> Path:
        return self._mirror.git_dir

    def commit(self, rev: str = "") -> str:
        if FULL.fullmatch(checked(rev)):
            return self._pinned(rev)
        base, steps, depth = steps_of(rev)
        name, oid = self._asked(base, rev)
        self._found_by[oid] = name
        if not steps:
            return oid
        calling.fetch_history(self._mirror, oid, name, depth + 1)
        return self._parsed(f"{oid}{steps}", rev)

    def refs(self) -> Mapping[str, str]:
        return peeled(calling.ask(self._mirror))

    def tree(self, commit: str) -> Tree:
        if commit not in self._trees:
            self._trees[commit] = self._mended(lambda: self._listed(checked(commit)))
        return self._trees[commit]

    def fetch(self, oids: Sequence[str], commit: str = "") -> None:
        if absent := sorted(set(oids) - self.sizes(oids).keys()):
            calling.fetch_contents(self._mirror, absent, commit, self._found_by.get(commit, ""))
            prune()

    def sizes(self, oids: Sequence[str]) -> Mapping[str, int]:
        return self._sizes.of(self._mirror.git_dir, [checked(oid) for oid in oids])

    def read(self, oid: str) -> bytes:
        words = ("cat-file", "blob", checked(oid))

        def found() -> bytes:
            self.fetch([oid])
            return git(self._mirror.git_dir, *words, environment=READING)

        return self._mended(found)

    def open(self, oid: str) -> IO[bytes]:
        def found() -> IO[bytes]:
            self.fetch([oid])
            return opened(self._mirror.git_dir, checked(oid))

        return self._mended(found)

    def fetch_tags(self) -> None:
        offered = calling.ask(self._mirror, "refs/tags/*")
        theirs = {name: oid for name, oid in offered.items() if name.startswith("refs/tags/")}
        theirs = {name: oid for name, oid in theirs.items() if not name.endswith("^{}")}
        self._mirror.ready(next(iter(theirs.values()), ""))
        ours = self._own_tags()
        if new := {name: oid for name, oid in theirs.items() if ours.get(name) != oid}:
            calling.fetch_tags(self._mirror, new)
        if gone := sorted(ours.keys() - theirs.keys()):
            with self._mirror.writing() as path:
                calling.set_refs(path, dict.fromkeys(gone, ""))

    def _mended(self, action: Callable[[], T]) -> T:
        """What an action gives; once more on an empty mirror, where the one there is turns out to be broken."""
        try:
            return action()
        except GitFailed:
            with self._mirror.writing():
                self._mirror.forget()
            self._sizes.clear()
            return action()

    def _listed(self, commit: str) -> Tree:
        self._bring(commit)
        return tree_of(self._mirror.git_dir, commit)

    def _own_tags(self) -> dict[str, str]:
        listed = git_text(
            self.git_dir, "for-each-ref", "--format=%(objectname) %(refname)", "refs/tags"
        )
        return {name: oid for oid, _, name in (line.partition(" ") for line in lines_of(listed))}

    def _bring(self, commit: str) -> None:
        if not self._mirror.keeps(checked(commit)):
            calling.fetch_commit(self._mirror, commit, self._found_by.get(commit, ""))

    def _pinned(self, oid: str) -> str:
        """The commit itself, or of a tag that was named by its id; no question where it is here."""
        if found := self._mirror.known(oid):
            return found
        try:
            self._mended(lambda: self._bring(oid))
        except NotFound:
            raise missing(oid, self.label, ()) from None
        found = self._parsed(oid, oid)
        with self._mirror.writing() as path:
            calling.set_refs(path, {f"refs/kept/{found}": found, f"refs/peeled/{oid}": found})
        return found

    def _asked(self, base: str, rev: str) -> tuple[str, str]:
        """The full name (or none) and the commit that a name or a short id means now."""
        if FULL.fullmatch(base):
            return "", base
        if found := chosen(calling.ask(self._mirror, *patterns_of(base)), base):
            return found
        offered = calling.ask(self._mirror)
        if not SHORT.fullmatch(base):
            raise missing(rev, self.label, peeled(offered))
        if len(tips := {oid for oid in offered.values() if oid.startswith(base)}) == 1:
            oid = tips.pop()
            return next(name for name in offered if offered[name] == oid).removesuffix("^{}"), oid
        calling.fetch_history(self._mirror, "", "", None)
        return "", self._parsed(base, rev, peeled(offered))

    def _parsed(self, expression: str, rev: str, offered: Mapping[str, str] | None = None) -> str:
        words = ("rev-parse", "--verify", "--end-of-options", f"{expression}^{{commit}}")
        try:
            return git_text(self._mirror.git_dir, *words, environment=READING)
        except GitFailed as error:
            raise self._unparsed(error, rev, offered or {}) from None

    def _unparsed(self, error: GitFailed, rev: str, offered: Mapping[str, str]) -> ModelyardError:
        if "ambiguous" in error.stderr:
            what = f"{self.label}: {rev!r} is the beginning of several commits"
            return InvalidReference(what, hint="more of its digits")
        return missing(rev, self.label, offered)
