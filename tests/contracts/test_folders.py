"""Every folder keeps the contract: of this machine, and at a commit of a repository here and behind a URL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cases.folders import git, local
from git_servers import Origin
from modelyard.stores.folders.interface import Folder
from modelyard.testing.folders import FolderContract


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return local.write(tmp_path_factory.mktemp("local") / "root")


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    return git.write_repository(tmp_path_factory.mktemp("git"))


@pytest.fixture(scope="module")
def https(origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with git.served(origin, tmp_path_factory.mktemp("served")) as url:
        yield url


class TestLocal(FolderContract):
    has_links = True

    @pytest.fixture
    def folder(self, root: Path) -> Folder:
        return local.folder(root)


class TestGitHere(FolderContract):
    has_links = True

    @pytest.fixture
    def folder(self, origin: Origin) -> Folder:
        return git.folder(origin.work)


class TestGitBehindAUrl(FolderContract):
    has_links = True

    @pytest.fixture
    def folder(self, https: str) -> Folder:
        return git.folder(https, git.commit_of(https))
