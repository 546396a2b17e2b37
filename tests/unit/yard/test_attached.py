"""Repositories attached to a yard: one table with its own models, read from their tags each time."""

from __future__ import annotations

from pathlib import Path

import pytest

import modelyard as my
from cli.program import run
from modelyard import Yard
from modelyard.base.errors import AlreadyExists, InvalidInput, NotFound
from modelyard.stores.git.command import git
from modelyard.yard.attached import attach, attached, attached_summary, detach


def double(x: float) -> float:
    return 2 * x


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    git(None, "init", "--quiet", "--initial-branch=main", str(folder))
    git(folder, "config", "user.name", "Ana")
    git(folder, "config", "user.email", "ana@example.org")
    my.save(double, folder / "net", sample_data=1.0)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "net")
    registry = my.GitRegistry(folder)
    registry.register("net", semver="v1.0.0")
    registry.promote("net", "prod")
    return folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MODELYARD_CONFIG_DIR", str(tmp_path / "config"))
    folder = tmp_path / "project"
    my.init(folder)
    with Yard(project=folder) as yard:
        yard.models.add(double, "churn", sample_data=1.0)
        yard.models.promote("churn", "dev")
    return folder


def test_show_gives_one_table(project: Path, repository: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git(None, "clone", "--quiet", "--bare", str(repository), str(bare))
    done = run("registry", "attach", "../models", cwd=project)
    assert (done.code, done.out) == (0, f"models: {repository}\n")
    assert run("registry", "attach", f"file://{bare}", "--name", "theirs", cwd=project).code == 0
    shown = run("show", cwd=project)
    assert [line.split() for line in shown.out.splitlines()] == [
        ["name", "from", "latest", "#dev", "#prod"],
        ["churn", "here", "1", "1", "-"],
        ["net", "models", "v1.0.0", "-", "v1.0.0"],
        ["net", "theirs", "v1.0.0", "-", "v1.0.0"],
    ]
    data = run("show", "--json", cwd=project).data
    assert data["churn"] == {"latest": 1, "stages": {"dev": 1}, "aliases": {}}
    assert data["models/net"] == {
        "latest": "v1.0.0", "stages": {"prod": "v1.0.0"}, "aliases": {}, "name": "net", "from": "models",
    }  # fmt: skip
    git(bare, "tag", "-d", "net#prod#1")
    assert run("show", "--json", cwd=project).data["theirs/net"]["stages"] == {}
    listed = run("registry", "attached", "--json", cwd=project).data
    assert [(row["name"], row["location"]) for row in listed] == [
        ("models", str(repository)),
        ("theirs", f"file://{bare}"),
    ]
    assert run("registry", "detach", "theirs", cwd=project).code == 0
    assert "theirs/net" not in run("show", "--json", cwd=project).data


def test_what_cannot_be_read_is_told_and_passed_over(project: Path, repository: Path) -> None:
    run("registry", "attach", str(repository), cwd=project)
    repository.rename(repository.with_name("moved"))
    shown = run("show", cwd=project)
    assert (shown.code, shown.out.splitlines()[1].split()[0]) == (0, "churn")
    assert "the models of models" in shown.err


def test_names_and_places_are_attached_once(project: Path, repository: Path) -> None:
    with Yard(project=project) as yard:
        one = attach(yard, str(repository))
        assert attach(yard, str(repository)) == one
        with pytest.raises(AlreadyExists, match="is attached already, as 'models'"):
            attach(yard, str(repository), "other")
        with pytest.raises(AlreadyExists, match="'models' is "):
            attach(yard, f"file://{repository}", "models")
        with pytest.raises(NotFound):
            attach(yard, str(project / "nowhere"))
        with pytest.raises(InvalidInput, match="with a password"):
            attach(yard, "https://ana:secret@example.org/models")
        with pytest.raises(NotFound, match="nothing is attached as 'modles'"):
            detach(yard, "modles")
        assert [a.name for a in attached(yard)] == ["models"]


def test_a_yard_that_came_from_elsewhere_makes_nobody_look(
    project: Path, repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with Yard(project=project) as yard:
        attach(yard, str(repository))
        assert list(attached_summary(yard)) == ["models/net"]
    monkeypatch.setenv("MODELYARD_CONFIG_DIR", str(tmp_path / "somebody else"))
    shown = run("show", cwd=project)
    assert "net" not in shown.out
    assert "it was not made here" in shown.err
