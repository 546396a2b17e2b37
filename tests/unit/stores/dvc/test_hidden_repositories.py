"""A folder of somebody's tree that looks like a bare repository: nothing of ours lets Git read its settings."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

import dvc_project
from modelyard.objects.provenance import git_state
from modelyard.stores.dvc.keeping import keep
from modelyard.stores.folders.dvc import with_dvc
from modelyard.stores.folders.local import LocalFolder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = dvc_project.new_project(tmp_path / "project", "../../store")
    plain_for_git(root)
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    return root


def plain_for_git(root: Path) -> None:
    """The same settings in a spelling that Git reads too."""
    config = root / ".dvc/config"
    config.write_text(config.read_text().replace("['remote \"store\"']", '[remote "store"]'))


def disguise(folder: Path, ran: Path) -> None:
    """Make of a folder what Git takes for a bare repository, with a command in its settings."""
    (folder / "objects").mkdir()
    (folder / "refs").mkdir()
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    command = f"touch {shlex.quote(str(ran))};"
    with (folder / "config").open("a") as config:
        config.write(
            f'[core]\nrepositoryformatversion = 0\nbare = false\nworktree = ..\nfsmonitor = "{command}"\n'
        )


def test_a_dvc_folder_that_is_a_repository_runs_nothing(root: Path, tmp_path: Path) -> None:
    dvc_project.track(root, tmp_path / "store", "model.bin", b"weights")
    (root / ".dvc/config.local").touch()
    disguise(root / ".dvc", tmp_path / "ran")
    with with_dvc(LocalFolder(root)).open("model.bin") as stream:
        assert stream.read() == b"weights"
    assert not (tmp_path / "ran").exists()


def test_what_git_refuses_to_look_at_is_not_the_readers_own(root: Path, tmp_path: Path) -> None:
    below = dvc_project.new_project(root / "below", "../../nowhere")
    disguise(below, tmp_path / "ran")
    name = "['remote \"store\"']"
    (below / ".dvc/config.local").write_text(f"{name}\nurl = {tmp_path / 'chosen'}\n")
    dvc_project.track(below, tmp_path / "chosen", "model.bin", b"weights")
    with pytest.raises(LookupError, match="nowhere"):
        with_dvc(LocalFolder(below)).open("model.bin")
    assert not (tmp_path / "ran").exists()


def test_saving_into_such_a_folder_runs_nothing(root: Path, tmp_path: Path) -> None:
    models = root / "models"
    models.mkdir()
    disguise(models, tmp_path / "ran")
    (tmp_path / "artifact").write_bytes(b"weights")
    keep(tmp_path / "artifact", models / "churn")
    git_state(models)
    assert not (tmp_path / "ran").exists()
