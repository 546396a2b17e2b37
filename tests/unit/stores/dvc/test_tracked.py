"""Folders in which tracked files appear: found, fetched once, verified, and nothing more than that."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pytest

import dvc_project
import git_servers
from modelyard.base.errors import Corrupted, FileMissing, InvalidPath, NotFound
from modelyard.stores.folders.dvc import with_dvc
from modelyard.stores.folders.git import git_folder
from modelyard.stores.folders.interface import Entry, Folder
from modelyard.stores.folders.local import LocalFolder


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return dvc_project.new_project(tmp_path / "project", "../../store")


def opened(root: Path) -> Folder:
    return with_dvc(LocalFolder(root))


def read(folder: Folder, path: str) -> bytes:
    with folder.open(path) as stream:
        return stream.read()


class Counted(LocalFolder):
    """Counts what is asked of it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked: list[str] = []

    def entry(self, path: str) -> Entry | None:
        self.asked.append(f"entry {path}")
        return super().entry(path)

    def list(self, path: str = "") -> Sequence[Entry]:
        self.asked.append(f"list {path}")
        return super().list(path)

    def open(self, path: str) -> IO[bytes]:
        self.asked.append(f"open {path}")
        return super().open(path)


def test_a_folder_without_dvc_is_asked_nothing_more(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/churn").write_bytes(b"x")
    plain = Counted(tmp_path)
    folder = with_dvc(plain)
    assert folder.entry("models/churn") == Entry("models/churn", 1)
    assert read(folder, "models/churn") == b"x"
    folder.fetch(["models/churn"])
    assert plain.asked == ["entry models/churn", "open models/churn", "entry models/churn"]


def test_what_stands_there_comes_first(root: Path, store: Path) -> None:
    dvc_project.track(root, store, "x", b"tracked")
    (root / "x").write_bytes(b"changed here")
    assert read(opened(root), "x") == b"changed here"


def test_files_folders_and_outputs_of_pipelines_appear(root: Path, store: Path) -> None:
    dvc_project.track(root, store, "models/churn", b"churn")
    dvc_project.track_folder(root, store, "data", {"a.csv": b"1", "deep/b.csv": b"22"})
    name = dvc_project.put(store, b"made")
    (root / "dvc.lock").write_text(
        f"schema: '2.0'\nstages:\n  s:\n    cmd: x\n    outs:\n    - path: out/made\n      hash: md5\n      md5: {name}\n      size: 4\n"
    )
    folder = opened(root)
    assert [e.path for e in folder.list("models")] == ["models/churn", "models/churn.dvc"]
    assert {e.name for e in folder.list()} >= {"data", "data.dvc", "dvc.lock", "models", "out"}
    assert folder.entry("data") == Entry("data", None)
    assert folder.list("out") == [Entry("out/made", 4)]
    assert folder.entry("out/made") == Entry("out/made", 4)
    assert [read(folder, p) for p in ("models/churn", "data/deep/b.csv", "out/made")] == [b"churn", b"22", b"made"]  # fmt: skip
    assert folder.entry("data/none") is None
    assert folder.entry("none") is None
    with pytest.raises(FileMissing):
        folder.open("data/none")


def test_an_output_of_a_pipeline_elsewhere_is_found_by_its_line_in_gitignore(
    root: Path, store: Path
) -> None:
    name = dvc_project.put(store, b"made")
    (root / "pipes/train").mkdir(parents=True)
    (root / "models").mkdir()
    (root / "pipes/train/dvc.lock").write_text(
        f"schema: '2.0'\nstages:\n  s:\n    outs:\n    - path: ../../models/x\n      hash: md5\n      md5: {name}\n"
    )
    assert opened(root).entry("models/x") is None
    (root / "models/.gitignore").write_text("/x\n")
    assert read(opened(root), "models/x") == b"made"


def test_a_project_below_and_one_above_the_folder(tmp_path: Path, root: Path, store: Path) -> None:
    dvc_project.track(root, store, "deep/er/x", b"above")
    assert read(opened(root / "deep"), "er/x") == b"above"
    repo = tmp_path / "mono"
    dvc_project.new_project(repo / "sub", str(tmp_path / "other"))
    dvc_project.track(repo / "sub", tmp_path / "other", "m/x", b"below")
    folder = opened(repo)
    assert read(folder, "sub/m/x") == b"below"
    assert folder.entry("m/x") is None


def test_each_object_is_transferred_once_and_kept(root: Path, store: Path, reader: Path) -> None:
    dvc_project.track_folder(root, store, "data", {"a": b"1", "b": b"1", "c": b"2"})
    opened(root).fetch(["data"])
    shutil.rmtree(store)
    folder = opened(root)
    assert [read(folder, f"data/{n}") for n in "abc"] == [b"1", b"1", b"2"]
    kept = [p for p in (reader / "cache/dvc").rglob("*") if p.is_file()]
    assert len(kept) == 3  # two contents and the manifest
    assert not (root / ".dvc/cache").exists()


def test_the_users_cache_keeps_its_size(
    root: Path, store: Path, reader: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELYARD_CACHE_GB", "0.000002")
    for name in "abc":
        dvc_project.track(root, store, name, name.encode() * 1_500)
        assert read(opened(root), name) == name.encode() * 1_500
    kept = [p for p in (reader / "cache/dvc").rglob("*") if p.is_file()]
    assert [p.stat().st_size for p in kept] == [1_500]


def test_the_projects_own_cache_is_used_before_the_remote(
    root: Path, store: Path, reader: Path
) -> None:
    dvc_project.track(root, root / ".dvc/cache", "x", b"cached")
    assert read(opened(root), "x") == b"cached"
    assert not (reader / "cache").exists()
    assert not store.exists()


def test_a_cache_elsewhere(root: Path, tmp_path: Path) -> None:
    with (root / ".dvc/config").open("a") as config:
        config.write("[cache]\n    dir = ../../shared\n")
    dvc_project.track(root, tmp_path / "shared", "x", b"shared")
    assert read(opened(root), "x") == b"shared"


def test_pointers_of_dvc_2_with_text_of_windows(root: Path, store: Path) -> None:
    unix = dvc_project.md5(b"a,b\n1,2\n")
    dvc_project.put(store, b"a,b\r\n1,2\r\n", legacy=True, name=unix)
    (root / "x.csv.dvc").write_text(dvc_project.pointer("x.csv", unix, 8, legacy=True))
    dvc_project.track_folder(root, store, "data", {"a": b"old"}, legacy=True)
    folder = opened(root)
    assert read(folder, "x.csv") == b"a,b\r\n1,2\r\n"
    assert read(folder, "data/a") == b"old"


def test_an_object_of_a_migrated_remote_is_found(root: Path, store: Path) -> None:
    name = dvc_project.put(store, b"moved")
    (root / "x.dvc").write_text(dvc_project.pointer("x", name, 5, legacy=True))
    assert read(opened(root), "x") == b"moved"


def test_damage_in_a_remote_is_named_with_file_and_remote(
    root: Path, store: Path, reader: Path
) -> None:
    dvc_project.put(store, b"other", name=dvc_project.md5(b"right"))
    (root / "x.dvc").write_text(dvc_project.pointer("x", dvc_project.md5(b"right"), 5))
    with pytest.raises(Corrupted) as raised:
        opened(root).open("x")
    assert f"{root}: x is damaged in the remote 'store' ({store})" in str(raised.value)
    assert not [p for p in (reader / "cache").rglob("*") if p.is_file()]


def test_a_damaged_manifest_is_named(root: Path, store: Path) -> None:
    name = dvc_project.track_folder(root, store, "data", {"a": b"1"})
    (store / "files/md5" / name[:2] / name[2:]).write_bytes(b"[]")
    with pytest.raises(Corrupted, match="data is damaged in the remote"):
        opened(root).list("data")


def test_damage_in_the_projects_cache_is_named(root: Path) -> None:
    name = dvc_project.track(root, root / ".dvc/cache", "x", b"cached")
    place = root / ".dvc/cache/files/md5" / name[:2] / name[2:]
    place.write_bytes(b"wrong!")
    with pytest.raises(Corrupted, match=str(place)):
        opened(root).open("x")


def test_what_was_damaged_in_the_users_cache_is_fetched_again(
    root: Path, store: Path, reader: Path
) -> None:
    name = dvc_project.track(root, store, "x", b"right")
    read(opened(root), "x")
    place = reader / "cache/dvc/files/md5" / name[:2] / name[2:]
    place.chmod(0o644)
    place.write_bytes(b"wrong!")
    assert read(opened(root), "x") == b"right"
    assert place.read_bytes() == b"right"


def test_what_nobody_pushed_is_said_with_a_hint(root: Path) -> None:
    (root / "x.dvc").write_text(dvc_project.pointer("x", dvc_project.md5(b"x"), 1))
    with pytest.raises(NotFound, match="modelyard push") as raised:
        opened(root).open("x")
    assert "x" in str(raised.value)
    assert "not in the remote 'store'" in str(raised.value)


def test_a_manifest_that_leaves_its_folder_is_refused(root: Path, store: Path) -> None:
    manifest = dvc_project.manifest({"../x": dvc_project.md5(b"x")})
    name = dvc_project.put(store, manifest, suffix=".dir")
    (root / "data.dvc").write_text(dvc_project.pointer("data", name, 1, 1))
    with pytest.raises(InvalidPath, match=r"\.\./x"):
        opened(root).list("data")


def test_a_commit_shows_what_was_tracked_then(tmp_path: Path, store: Path) -> None:
    origin = git_servers.new_origin(tmp_path / "git")
    dvc_project.new_project(origin.work, str(store))
    dvc_project.track(origin.work, store, "models/x", b"first")
    first = origin.commit({"a": b""})
    dvc_project.track(origin.work, store, "models/x", b"second")
    second = origin.commit({"a": b"2"})
    for rev, data in ((first, b"first"), (second, b"second")):
        folder = with_dvc(git_folder(origin.work, rev))
        assert read(folder, "models/x") == data
        assert folder.entry("models/x") == Entry("models/x", len(data))
        assert folder.provenance["git"]["commit"] == rev
    assert read(with_dvc(git_folder(origin.work / "models", second)), "x") == b"second"


def test_a_config_local_that_git_has_is_nobodys_own(tmp_path: Path, store: Path) -> None:
    """It came with the repository, so it may not name files of this machine."""
    from modelyard.stores.dvc.project import Project

    origin = git_servers.new_origin(tmp_path / "git")
    dvc_project.new_project(origin.work, "http://127.0.0.1:9/x")
    local = origin.work / ".dvc/config.local"
    local.write_text("['remote \"store\"']\n    password = secret\n")
    own = Project(LocalFolder(origin.work)).config.remotes["store"]
    assert own["password"].level == "local"
    origin.commit({".dvc/config.local": local.read_bytes()})
    assert "password" not in Project(LocalFolder(origin.work)).config.remotes["store"]


def test_a_stream_is_the_readers_own(root: Path, store: Path) -> None:
    dvc_project.track(root, store, "x", b"0123456789")
    with opened(root).open("x") as one, opened(root).open("x") as two:
        assert one.read(5) == two.read(5)
        assert isinstance(one, io.BufferedReader)
