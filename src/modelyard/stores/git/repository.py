"""Repositories here and behind URLs: which commit a revision is, what stands in it, and the content of files.

>>> repository = open_repository("https://github.com/org/models")  # doctest: +SKIP
>>> commit = repository.commit("main")  # doctest: +SKIP
>>> repository.read(repository.tree(commit)["churn.yard.yaml"].oid)  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

from modelyard.base.errors import NotFound
from modelyard.stores.git.address import address_of
from modelyard.stores.git.revisions import missing
from modelyard.stores.git.trees import Tree


class Repository(Protocol):
    """What is done with a repository, wherever it is. Nothing is ever checked out, and no hook of it runs."""

    @property
    def url(self) -> str:
        """What Git takes, to be recorded: ``https://host/org/repo``, ``file:///folder/repo``. No secrets."""
        ...

    @property
    def label(self) -> str:
        """For messages: a path, or ``git+https://host/org/repo``."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine itself, so that nothing has to be fetched."""
        ...

    @property
    def git_dir(self) -> Path:
        """The folder to run Git in: the repository's own, or (of a remote one) that of its mirror in the cache, which
        has what was fetched and nothing else, and must not be written to."""
        ...

    @property
    def prefix(self) -> str:
        """The sub-folder that a local path named, from the root of the repository; else ``""``."""
        ...

    def commit(self, rev: str = "") -> str:
        """The full id of a branch, tag (peeled), short or full commit, or ``HEAD~1``; of the default branch for ``""``.

        A branch or tag of a remote repository is asked for anew each time, a full id that is in the cache is not.
        `NotFound` with near names.
        """
        ...

    def refs(self) -> Mapping[str, str]:
        """``HEAD``, ``refs/heads/…`` and ``refs/tags/…`` with their commits (tags peeled)."""
        ...

    def tree(self, commit: str) -> Tree:
        """What a full commit id holds: path -> mode and oid."""
        ...

    def fetch(self, oids: Sequence[str], commit: str = "") -> None:
        """Bring the contents of files here, in one request; nothing is asked for what is here. ``commit``: where they
        stand, for servers that give nothing else than a whole commit. Nothing to do for a local repository."""
        ...

    def sizes(self, oids: Sequence[str]) -> Mapping[str, int]:
        """Bytes of the contents that are here; what would have to be fetched first is not in it."""
        ...

    def read(self, oid: str) -> bytes:
        """The content of a file; fetched, when it is not here."""
        ...

    def open(self, oid: str) -> IO[bytes]:
        """The same as a seekable stream, for large ones."""
        ...

    def fetch_tags(self) -> None:
        """Make ``refs/tags`` of `git_dir` what it is now over there: all tags with their commits, without trees and
        blobs, in one request (none, when nothing changed but asking so). Nothing to do for a local repository."""
        ...


def open_repository(where: str | Path) -> Repository:
    """The repository at a path (a worktree, a bare one, a sub-folder), a ``file://`` URL, or an https, ssh or git URL.

    Nothing is asked of a server yet. `NotFound` where there is no repository, `InvalidReference` for what is no
    address that may be opened.
    """
    address = address_of(where)
    if address.path is not None:
        from modelyard.stores.git.here import LocalRepository

        return LocalRepository(address.path)
    from modelyard.stores.git.remote import RemoteRepository

    return RemoteRepository(address)


def split_tail(repository: Repository, tail: str) -> tuple[str, str]:
    """Where in ``feature/x/models/churn``, copied from a website, the branch ends and the path begins: the longest
    branch, else the longest tag, else the first segment is a commit. `NotFound` when it is none of these.
    """
    parts = tail.strip("/").split("/")
    starts = ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]
    refs = repository.refs()
    for kind in ("refs/heads/", "refs/tags/"):
        for start in starts:
            if kind + start in refs:
                return start, tail.strip("/")[len(start) + 1 :]
    try:
        repository.commit(parts[0])
    except NotFound:
        raise missing(starts[0], repository.label, refs) from None
    return parts[0], "/".join(parts[1:])
