"""Where GTO dies or misleads and we do otherwise, each as a repository, with what both make of it.

Every one is a row of the table in ``docs/git-registry.md``, under the same words.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gto.api
import pytest
from gto.exceptions import GTOException, TagExists

from frameworks.gto_histories import git
from modelyard.base.errors import CheckFailed
from modelyard.base.notes import collected
from modelyard.registry import queries, verbs
from modelyard.registry.git import GitRegistryBackend


@dataclass
class Case:
    """A repository with three commits, to tag by hand."""

    folder: Path
    commits: list[str] = field(default_factory=list)
    at: int = 1_700_000_000

    def begin(self) -> Case:
        git(self.folder, "init", "--quiet", "--initial-branch=main", ".")
        for key, value in (("user.name", "Ana"), ("user.email", "ana@example.org")):
            git(self.folder, "config", key, value)
        for number in range(3):
            self.commit(str(number), at=1_600_000_000 + number)
        return self

    def commit(self, words: str, *, at: int) -> None:
        when = {"GIT_COMMITTER_DATE": f"{at} +0000", "GIT_AUTHOR_DATE": f"{at} +0000"}
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--allow-empty", "-m", words, **when)
        self.commits.append(git(self.folder, "rev-parse", "HEAD").strip())

    def tag(self, name: str, commit: int | str = 0, *, tagger: str = "Bo <bo@example.org>", inside: str = "", kind: str = "commit") -> None:  # fmt: skip
        self.at += 10
        target = self.commits[commit] if isinstance(commit, int) else commit
        who = f"tagger {tagger} {self.at} +0000\n" if tagger else ""
        text = f"object {target}\ntype {kind}\ntag {inside or name}\n{who}\nx\n"
        words = ("hash-object", "-t", "tag", "-w", "--literally", "--stdin")
        git(self.folder, "update-ref", f"refs/tags/{name}", git(self.folder, *words, input=text).strip())  # fmt: skip

    @property
    def registry(self) -> GitRegistryBackend:
        return GitRegistryBackend(self.folder)

    def theirs(self) -> dict[str, Any]:
        return gto.api.show(str(self.folder))

    def gto_dies(self) -> None:
        with pytest.raises(Exception):  # noqa: B017  # of many kinds, none of which is meant
            self.theirs()

    def passed_over(self, ref: str) -> None:
        """We say so, and the version beside it is there."""
        with collected() as notes:
            state = self.registry.state("m")
        assert any(repr(ref) in note for note in notes), notes
        assert list(state.versions) == ["v1.0.0"]


def no_tagger(case: Case) -> None:
    case.tag("m@v1.0.0")
    case.tag("m@v1.1.0", 1, tagger="")
    case.gto_dies()
    case.passed_over("m@v1.1.0")


def no_address(case: Case) -> None:
    case.tag("m@v1.0.0")
    case.tag("m@v1.1.0", 1, tagger="Bo <>")
    case.gto_dies()
    case.passed_over("m@v1.1.0")


def at_a_tree(case: Case) -> None:
    case.tag("m@v1.0.0")
    case.tag("m@v1.1.0", git(case.folder, "mktree", input="").strip(), kind="tree")
    case.gto_dies()
    case.passed_over("m@v1.1.0")


def created(case: Case) -> None:
    case.tag("m@v1.0.0")
    case.tag("m@created")
    case.gto_dies()
    case.passed_over("m@created")


def another_inside(case: Case) -> None:
    case.tag("m@v1.0.0")
    case.tag("m@v1.1.0", 1, inside="release")
    case.gto_dies()
    case.passed_over("m@v1.1.0")


def lightweight(case: Case) -> None:
    case.tag("m@v1.0.0")
    git(case.folder, "tag", "m@v1.1.0", case.commits[1])
    assert case.theirs()["m"]["version"] == "v1.0.0"
    case.passed_over("m@v1.1.0")


def two_versions(case: Case) -> None:
    case.tag("m@v1.0.0-rc.1")
    case.tag("m@v1.0.0")
    assert case.theirs()["m"]["version"] == "v1.0.0"
    case.tag("m#prod#1")
    case.gto_dies()
    assert queries.holders(case.registry.state("m")) == {"prod": "v1.0.0"}


def unregistered_stage(case: Case) -> None:
    case.tag("m@v1.0.0")
    case.tag("m#prod#1", 1)
    assert case.theirs()["m"]["stage"] == {"prod": case.commits[1]}
    case.passed_over("m#prod#1")
    assert queries.holders(case.registry.state("m")) == {}


def version_twice(case: Case) -> None:
    case.tag("m@v1.0.0")
    case.tag("m@v1.0.0#1", 1)
    assert len(gto.api.show(str(case.folder), "m")) == 2
    with pytest.raises(GTOException):
        gto.api.assign(str(case.folder), "m", "prod", version="v1.0.0")
    case.passed_over("m@v1.0.0#1")
    assert case.registry.state("m").versions["v1.0.0"].commit == case.commits[0]


def revived_by_head(case: Case) -> None:
    case.tag("m@v1.0.0")
    case.tag("m@deprecated")
    assert case.theirs() == {}
    (case.folder / "artifacts.yaml").write_text("m:\n  path: m.pkl\n")
    case.commit("annotated", at=int(time.time()))
    assert case.theirs()["m"]["active"]
    assert case.registry.state("m").deprecated


def revived_by_its_commit(case: Case) -> None:
    case.commit("ahead", at=case.at + 1000)
    case.tag("m@v1.0.0", 3)
    case.tag("m@deprecated", 3)
    assert case.theirs()["m"]["active"]
    assert case.registry.state("m").deprecated


def annotated_only(case: Case) -> None:
    case.tag("m@v1.0.0")
    (case.folder / "artifacts.yaml").write_text("new:\n  path: n.pkl\n")
    case.commit("annotated", at=1_600_000_100)
    assert case.theirs()["new"] == {"version": None, "stage": {}, "registered": False, "active": True}  # fmt: skip
    assert list(case.registry.names()) == ["m"]


def broken_annotations(case: Case) -> None:
    case.tag("m@v1.0.0")
    (case.folder / "artifacts.yaml").write_text("- m\n")
    case.commit("broken", at=1_600_000_100)
    case.gto_dies()
    assert list(case.registry.state("m").versions) == ["v1.0.0"]


def unknown_key(case: Case) -> None:
    case.tag("m@v1.0.0")
    (case.folder / ".gto").write_text("stages: [prod]\nsurprise: 1\n")
    case.gto_dies()
    with collected() as notes:
        verbs.promote(case.registry, "m", "prod")
    assert "'surprise' is unknown" in notes[0]


def number_again(case: Case) -> None:
    case.tag("m@v1.0.0")
    case.tag("m@v1.0.1", 1)
    case.tag("m@v1.0.1!", 1)
    with pytest.raises(TagExists):
        gto.api.register(str(case.folder), "m", case.commits[2])
    assert verbs.register(case.registry, "m", commit=case.commits[2]).label == "v1.0.2"


def checked_lightweight(case: Case) -> None:
    git(case.folder, "tag", "m@v1.0.0", case.commits[0])
    assert gto.api.check_ref(str(case.folder), "m@v1.0.0") == []
    with pytest.raises(CheckFailed) as refused:
        case.registry.check_ref("m@v1.0.0")
    assert "git fetch --force" in (refused.value.hint or "")


def deregistered_stage(case: Case) -> None:
    case.tag("m@v1.0.0")
    case.tag("m@v1.0.0!")
    gto.api.assign(str(case.folder), "m", "prod", version="v1.0.0")
    assert case.theirs()["m"]["stage"] == {}
    with pytest.raises(LookupError, match="is deregistered"):
        verbs.promote(case.registry, "m", "dev", "v1.0.0")


DIFFERENCES: dict[str, Callable[[Case], None]] = {
    "A tag without a tagger": no_tagger,
    "A tagger without an address": no_address,
    "A tag at a tree or a file": at_a_tree,
    "`name@created`": created,
    "A ref whose tag has another name inside": another_inside,
    "A lightweight tag": lightweight,
    "Two versions at one commit, and a stage there": two_versions,
    "A stage at a commit without a version": unregistered_stage,
    "One version at two commits": version_twice,
    "A deprecated model in `artifacts.yaml` at HEAD": revived_by_head,
    "A deprecated model at a commit from the future": revived_by_its_commit,
    "A model in `artifacts.yaml` that has no tag": annotated_only,
    "An `artifacts.yaml` that is broken": broken_annotations,
    "An unknown key in `.gto`": unknown_key,
    "The next version after the highest was deregistered": number_again,
    "`check-ref` of a tag that a checkout made lightweight": checked_lightweight,
    "Promotion of a deregistered version": deregistered_stage,
}
