"""A commit of a repository: read where it is, and behind a URL through a mirror of it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

import git_servers
from cases.folders.local import write
from git_servers import Origin
from modelyard.stores.folders.git import GitFolder, git_folder


def write_repository(root: Path) -> Origin:
    """The files and links of the contract, committed; on the branch ``later`` all of it is gone."""
    origin = git_servers.new_origin(root)
    write(origin.work)
    origin.commit({})
    git_servers.run(origin.work, "checkout", "-q", "--orphan", "later")
    git_servers.run(origin.work, "rm", "-rfq", ".")
    origin.commit({"churn": b"another\n"}, branch="later")
    return origin


@contextlib.contextmanager
def served(origin: Origin, folder: Path) -> Iterator[str]:
    """The URL of the repository behind a server of its own, mirrored into a cache of its own."""
    pair = git_servers.certificate(folder)
    with pytest.MonkeyPatch.context() as patch, git_servers.http_server(origin.bare.parent, pair) as server:  # fmt: skip
        patch.setenv("MODELYARD_CACHE_DIR", str(folder / "cache"))
        patch.setenv("GIT_SSL_CAINFO", str(pair[0]))
        yield f"{server.url}/{origin.bare.name}"


def folder(where: str | Path, rev: str = "main") -> GitFolder:
    return git_folder(where, rev)


@functools.cache
def commit_of(url: str) -> str:
    """The commit of the branch, asked once."""
    return git_folder(url, "main").commit
