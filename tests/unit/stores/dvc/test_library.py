"""What goes through DVC itself: nothing by which a repository would give DVC orders."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

import dvc_project
from modelyard.base.errors import NotAllowed, NotFound
from modelyard.stores.dvc.cache import ObjectFolder
from modelyard.stores.dvc.fetching import Fetching, Wanted
from modelyard.stores.dvc.library import LibraryRemote
from modelyard.stores.dvc.names import ObjectId
from modelyard.stores.dvc.project import Project
from modelyard.stores.folders.local import LocalFolder


@pytest.fixture(autouse=True)
def dvc_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it were installed: nothing of it is called before something is fetched."""
    found = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> Any:
        return found("json") if name == "dvc" else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)


def project(tmp_path: Path, url: str, more: str = "") -> Project:
    return Project(LocalFolder(dvc_project.new_project(tmp_path / "project", url, more)))


@pytest.mark.parametrize(
    ("url", "option"),
    [
        ("webdavs://files.example.org/x", "bearer_token_command = touch ran"),
        ("gdrive://folder", "gdrive_service_account_json_file_path = /etc/key.json"),
        ("s3://bucket/x", "version_aware = true\n    endpointurl = http://files.example.org"),
    ],
)
def test_a_repository_gives_dvc_no_orders(tmp_path: Path, url: str, option: str) -> None:
    with pytest.raises(NotAllowed, match=r"bearer_token_command|service_account|endpoint"):
        project(tmp_path, url, f"    {option}\n").remote(None)


@pytest.mark.parametrize(
    ("url", "more", "own"),
    [
        ("webdavs://files.example.org/x", "", "bearer_token_command = cat token"),
        (
            "s3://bucket/x",
            "    version_aware = true\n    endpointurl = http://files.example.org\n",
            "access_key_id = mine\n    secret_access_key = mine",
        ),
    ],
)
def test_what_the_reader_says_for_a_clone_counts(
    tmp_path: Path, url: str, more: str, own: str
) -> None:
    found = project(tmp_path, url, more)
    file = tmp_path / "project/.dvc/config.local"
    file.write_text(f"['remote \"store\"']\n    {own}\n")
    assert isinstance(found.remote(None), LibraryRemote)


def test_dvc_is_not_sent_to_other_repositories(tmp_path: Path) -> None:
    found = project(tmp_path, "webdavs://files.example.org/x")
    remote = found.remote(None)
    fetching = Fetching("", [], ObjectFolder(tmp_path / "cache"), lambda _: remote)
    want = Wanted(ObjectId("0" * 32), "model.bin", imported="https://example.org/other")
    with pytest.raises(NotFound, match="webdavs") as error:
        fetching.bring([want])
    assert "example.org/other" in str(error.value.hint)
