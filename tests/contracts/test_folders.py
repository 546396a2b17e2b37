"""Every folder keeps the contract: of this machine, at a commit of a repository, in a bucket, on a server, behind a URL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cases.folders import dvc, fsspec, git, http, local
from git_servers import Origin
from modelyard.stores.folders.interface import Folder
from modelyard.testing.folders import FolderContract


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return local.write(tmp_path_factory.mktemp("local") / "root")


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dvc.write(tmp_path_factory.mktemp("dvc"))


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


class TestTracked(FolderContract):
    """What DVC tracks, in a folder that is not there."""

    @pytest.fixture
    def folder(self, tracked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
        monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
        return dvc.folder(tracked)


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


@pytest.fixture(scope="module")
def bucket(s3_server: str) -> Iterator[str]:
    with fsspec.bucket(s3_server) as address:
        yield fsspec.write(f"{address}/some/models")


@pytest.fixture(scope="module")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with fsspec.ssh_server(tmp_path_factory.mktemp("sftp")) as address:
        yield fsspec.write(address)


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    with http.served() as address:
        yield address


class TestInMemory(FolderContract):
    @pytest.fixture
    def folder(self) -> Folder:
        return fsspec.folder(fsspec.write("memory://contract/models"))


class TestInABucket(FolderContract):
    @pytest.fixture
    def folder(self, bucket: str) -> Folder:
        return fsspec.folder(bucket)


class TestOverSftp(FolderContract):
    @pytest.fixture
    def folder(self, sftp: str) -> Folder:
        return fsspec.folder(sftp)


class TestBehindAWebServer(FolderContract):
    can_list = False

    @pytest.fixture
    def folder(self, web: str) -> Folder:
        return http.folder(web)
