"""What a tree brings that somebody else made: nothing outside of it is read, hung on, or removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import dvc_project
from modelyard.base.errors import Conflict, InvalidInput, InvalidPath
from modelyard.stores import plain_yaml
from modelyard.stores.apart import pull
from modelyard.stores.dvc import manifests, project
from modelyard.stores.dvc.names import inner_path


@pytest.mark.parametrize("files", [{}, {"a": b"a"}], ids=["no files", "a file"])
@pytest.mark.parametrize("path", ["data", "data/below"])
def test_a_link_is_no_folder_to_tidy_up(
    root: Path, store: Path, tmp_path: Path, path: str, files: dict[str, bytes]
) -> None:
    outside = tmp_path / "documents"
    (outside / "below").mkdir(parents=True)
    for kept in (outside / "letter", outside / "below/letter"):
        kept.write_text("dear")
    (root / "data").symlink_to(outside)
    name = dvc_project.track_folder(root, store, "elsewhere/data", files)
    (root / "elsewhere/data.dvc").unlink()
    (root / "data.dvc").write_text(dvc_project.pointer(path, name, 1, len(files)))
    with pytest.raises(InvalidPath, match="is a link"):
        pull(force=True)
    assert sorted(p.name for p in outside.rglob("*")) == ["below", "letter", "letter"]


@pytest.mark.skipif(os.name == "nt", reason="there is no such device")
def test_a_link_to_what_has_no_end_is_not_read(root: Path, store: Path) -> None:
    dvc_project.track(root, store, "model.bin", b"weights")
    (root / "model.bin").symlink_to("/dev/zero")
    with pytest.raises(Conflict):
        pull()
    pull(force=True)
    assert (root / "model.bin").read_bytes() == b"weights"
    assert not (root / "model.bin").is_symlink()


@pytest.mark.parametrize(
    "name",
    [".git", ".GIT", "git~1", "GIT~2", ".git.", ".git ", ".git::$INDEX_ALLOCATION", ".g\u200cit"],
)
def test_no_spelling_of_gits_own_folder_is_data(name: str) -> None:
    with pytest.raises(InvalidPath, match="not data"):
        inner_path(f"{name}/hooks/post-checkout", "manifest")


def test_names_that_only_begin_so_are_data() -> None:
    for path in (".gitignore", "x.git/a", "digit~1/a", ".github/a"):
        assert inner_path(path, "manifest") == path


def test_what_is_too_large_to_be_read_is_not_read(
    root: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "MAX_BYTES", 50)
    monkeypatch.setattr(project, "MOST_IN_MANIFEST", 50)
    monkeypatch.setattr(project, "MAX_BYTES", 200)
    monkeypatch.setattr(plain_yaml, "MAX_BYTES", 200)
    dvc_project.track_folder(root, store, "data", {"a": b"a", "b": b"b"})
    with pytest.raises(InvalidInput, match="the manifest of data is larger"):
        pull(["data"])
    (root / "data.dvc").write_text("#" * 1000)
    with pytest.raises(InvalidInput, match=r"data\.dvc is larger"):
        pull(["data"])
