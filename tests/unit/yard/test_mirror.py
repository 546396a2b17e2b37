"""A yard in a file and a repository kept in step, on the command line too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import modelyard as my
from cli.program import run
from modelyard import Yard
from modelyard.base.errors import NotSupported
from modelyard.registry import queries
from modelyard.stores.git.command import git
from modelyard.yard import catalog
from modelyard.yard.mirror import mirror_yard


def scorer(bias: float) -> Any:
    def score(x: float) -> float:
        return x + bias

    return score


class Project:
    """A project in a repository of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        git(None, "init", "--quiet", "--initial-branch=main", str(folder))
        git(folder, "config", "user.name", "Ana")
        git(folder, "config", "user.email", "ana@example.org")
        my.init(folder)

    def save(self, bias: float, *, commit: bool = True) -> None:
        my.save(scorer(bias), self.folder / "models/churn", sample_data=1.0, metrics={"bias": bias})
        if commit:
            git(self.folder, "add", ".")
            git(self.folder, "commit", "--quiet", "-m", f"bias {bias}")

    def tags(self) -> list[str]:
        return git(self.folder, "tag").decode().split()

    def yard(self) -> Yard:
        return Yard(project=self.folder)

    def mirror(self, *words: str) -> Any:
        return run("registry", "mirror", *words, cwd=self.folder)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("MODELYARD_CONFIG_DIR", str(tmp_path / "config"))
    return Project(tmp_path / "project")


def test_a_tag_appears_in_the_yard_and_loads_from_its_commit(project: Project) -> None:
    project.save(1.0)
    registry = my.GitRegistry(project.folder)
    registry.register("models/churn", semver="v1.0.0")
    registry.promote("churn", "prod")
    registry.set_alias("churn", "champion")
    told = project.mirror("--dry-run")
    assert told.out.splitlines()[:2] == [
        "would go to yard  churn: the model",
        "would go to yard  churn: version v1.0.0",
    ]
    with project.yard() as yard:
        assert yard.models.names() == []
    done = project.mirror()
    assert done.code == 0, done.err
    git(project.folder, "commit", "--quiet", "--allow-empty", "-am", "later")
    project.save(2.0)
    with project.yard() as yard:
        version = yard.models.get("churn#prod")
        assert (version.version, version.semver) == (1, "v1.0.0")
        assert version.commit == registry.get("churn@v1.0.0").commit
        assert version.metrics == {"bias": 1.0}
        assert version.aliases == ["champion"]
        loaded = my.load("churn#prod", project=str(project.folder), trust=version.digest)
        assert loaded(1.0) == 2.0
        assert yard.check() == []
        with pytest.raises(NotSupported, match=r"are in Git: git\+file://"):
            catalog.open_version_file(yard, "churn", "1", "artifact")
    assert project.mirror().out == "the yard and Git are in step\n"


def test_the_files_come_along_when_asked_for(project: Project, tmp_path: Path) -> None:
    project.save(1.0)
    my.GitRegistry(project.folder).register("models/churn", semver="v1.0.0")
    assert project.mirror("--copy", "--from", "git").code == 0
    with project.yard() as yard:
        yard.backup(tmp_path / "alone.db")
        assert yard.collect(0).blobs == 0
    with Yard(tmp_path / "alone.db") as alone:
        version = alone.models.get("churn@v1.0.0")
        assert version.load(trust=version.digest)(1.0) == 2.0
        assert alone.check() == []


def test_a_promotion_in_the_yard_becomes_a_tag(project: Project) -> None:
    project.save(1.0)
    words = ["register", "models/churn", "--registry", "yard", "--version"]
    assert run(*words, "v1.0.0", cwd=project.folder).code == 0
    promoted = run("promote", "churn", "--stage", "prod", "--registry", "yard", cwd=project.folder)
    assert promoted.code == 0
    done = project.mirror("--json")
    assert [change["to"] for change in done.data["changes"]] == ["git", "git"]
    assert project.tags() == ["churn#prod#1", "churn@v1.0.0"]
    registry = my.GitRegistry(project.folder)
    assert registry.get("churn#prod").card.metrics == {"bias": 1.0}
    assert registry.get("churn#prod").digest == project.yard().models.get("churn@1").digest
    again = project.mirror()
    assert (again.code, again.out) == (0, "the yard and Git are in step\n")
    assert len(project.tags()) == 2


def test_what_is_not_committed_stays_in_the_yard_and_says_so(project: Project) -> None:
    project.save(1.0)
    project.save(2.0, commit=False)
    with project.yard() as yard:
        yard.models.add(project.folder / "models/churn", "churn", semver="v1.0.0")
        yard.models.add(scorer(3.0), "churn", sample_data=1.0)
    done = project.mirror()
    assert done.out == "the yard and Git are in step\n"
    assert done.err.splitlines() == [
        "not mirrored: churn: version 1 (v1.0.0) has no commit, and stays in the yard",
        "not mirrored: churn: version 2 has no SemVer, and stays in the yard; nor a commit",
    ]
    assert project.tags() == []


def test_a_conflict_is_told_and_settled(project: Project) -> None:
    registry = my.GitRegistry(project.folder)
    for number in (1, 2):
        project.save(number)
        registry.register("models/churn", semver=f"v{number}.0.0")
    assert project.mirror().code == 0
    registry.promote("churn", "prod", "v1.0.0")
    with project.yard() as yard:
        yard.models.promote("churn", "prod", 2)
    refused = project.mirror()
    assert refused.code == 5
    assert (
        "churn: stage prod is held by v2.0.0 in the yard and held by v1.0.0 in Git" in refused.err
    )
    assert registry.get_stages("churn") == {"prod": "v1.0.0"}
    assert project.mirror("--prefer", "yard").code == 0
    assert registry.get_stages("churn") == {"prod": "v2.0.0"}


def test_a_repository_behind_a_url_is_written_to_at_once(project: Project, tmp_path: Path) -> None:
    project.save(1.0)
    my.GitRegistry(project.folder).register("models/churn", semver="v1.0.0")
    bare = tmp_path / "bare.git"
    git(None, "clone", "--quiet", "--bare", str(project.folder), str(bare))
    with Yard(tmp_path / "other.db") as yard:
        there = my.GitRegistry(f"file://{bare}", identity=("Bo", "bo@example.org"))
        assert [side for side, _ in mirror_yard(yard, there).changes] == ["yard", "yard"]
        yard.models.promote("churn", "prod", 1)
        mirror_yard(yard, there)
        assert "churn#prod#1" in git(bare, "tag").decode().split()
        assert mirror_yard(yard, my.GitRegistry(f"file://{bare}")).changes == []


def test_a_mirror_of_many_models(project: Project) -> None:
    """Real backends, changed on both sides between two mirrorings: they meet, and stay."""
    registry = my.GitRegistry(project.folder)
    names = ("a", "b", "c")
    for number in range(4):
        project.save(number)
        for name in names[: number + 1]:
            registry.register("models/churn", name, semver=f"v1.{number}.0")
    registry.promote("a", "prod", "v1.0.0")
    registry.promote("a", "prod", "v1.2.0")
    registry.deregister("b", "v1.3.0")
    assert project.mirror().code == 0
    with project.yard() as yard:
        yard.models.rollback("a", "prod")
        yard.models.promote("b", "dev", 1)
        yard.models.set_alias("c", "best", 2)
        yard.models.deprecate("c")
    registry.promote("b", "prod", "v1.1.0")
    assert project.mirror().code == 0
    assert project.mirror().out == "the yard and Git are in step\n"
    with project.yard() as yard:
        for name in names:
            ours, theirs = yard.models.state(name), registry.state(name)
            by_label = {v.label: v.semver for v in ours.versions.values()}
            here = {stage: by_label[a.version] for stage, a in queries.held(ours).items()}
            there = {stage: a.version for stage, a in queries.held(theirs).items()}
            assert here == there
            assert {v.semver: v.active for v in ours.versions.values()} == {
                label: v.active for label, v in theirs.versions.items()
            }
        assert registry.state("c").deprecated


def test_a_tag_does_not_say_what_the_yard_believes(project: Project) -> None:
    """Whoever pushes tags could else give a version the card, and the trust, of another."""
    project.save(1.0)
    registry = my.GitRegistry(project.folder)
    registry.register("models/churn", semver="v1.0.0")
    assert project.mirror("--copy").code == 0
    with project.yard() as yard:
        known = yard.models.get("churn@v1.0.0").record.facts
        assert known["vouched"] is False
    facts = json.dumps(
        {"card": known["card"], "vouched": True, "elsewhere": "git+file:///x@main#y"}
    )
    message = f"better\n\nModelyard-Facts: {facts}\n"
    git(project.folder, "rm", "--quiet", "-r", "--cached", "models")
    git(project.folder, "commit", "--quiet", "-m", "nothing is here")
    git(project.folder, "tag", "-a", "churn@v2.0.0", "-F", "-", input=message.encode())
    done = project.mirror()
    assert done.code == 0, done.err
    with project.yard() as yard:
        version = yard.models.get("churn@v2.0.0")
        assert {"card", "elsewhere"}.isdisjoint(version.record.facts)
        assert version.record.facts["vouched"] is False
        with pytest.raises(NotSupported):
            _ = version.source
