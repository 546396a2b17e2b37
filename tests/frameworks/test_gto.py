"""GTO itself beside our registry of Git tags: on random repositories that both write, both say the same."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import gto.api
import pytest

from cases.registries.git_answers import assert_same, names_of, we_say
from frameworks.environments import ROOT
from frameworks.gto_differences import DIFFERENCES, Case
from frameworks.gto_histories import ACTIONS, OURS, Repository, git, gto_says
from modelyard.registry._git.tags import parse
from unit.registry.git_workers import commits_of, register_commits
from unit.registry.workers import all_at_once

REPOSITORIES = int(os.environ.get("MODELYARD_GTO_REPOSITORIES", "200"))
SEED = int(os.environ.get("MODELYARD_GTO_SEED") or 20261126)
EVERY = 30
"""Of each so many repositories, one is asked through GTO's own command too."""

pytestmark = pytest.mark.timeout(3000)


def test_random_registries_read_alike(tmp_path: Path) -> None:
    print(f"MODELYARD_GTO_SEED={SEED}")
    made: Counter[tuple[str, str]] = Counter()
    for number in range(REPOSITORIES):
        folder = tmp_path / str(number)
        folder.mkdir()
        repository = Repository(folder, random.Random(f"{SEED} {number}"))
        repository.begin()
        for _ in range(repository.chance.randint(10, 40)):
            repository.step()
        made += repository.made
        compare(repository, f"seed {SEED}, repository {number}", command=number % EVERY == 0)
    print(*sorted(f"{count:6} {who} {what}" for (who, what), count in made.items()), sep="\n")
    ours = sum(count for (who, _), count in made.items() if who == OURS)
    assert ours >= 0.4 * made.total()
    if REPOSITORIES >= 100:
        for action in ACTIONS:
            assert sum(made[who, action] for who in {w for w, _ in made}) >= 50, action
            assert made[OURS, action] >= 50, action


def compare(repository: Repository, where: str, *, command: bool) -> None:
    there = repository.registry.tags()
    names = names_of(there)
    ours, theirs = we_say(there, names), gto_says(repository.folder, names)
    passed_over = {bad.ref: bad.rule for bad in repository.registry.skipped()}
    assert set(passed_over.values()) <= {"deprecated", "elsewhere"}, where
    # GTO gave a number out again, at another commit: what is said of the version that had it before has no effect.
    before = {ref for ref, rule in passed_over.items() if rule == "elsewhere"}
    given = Counter(e["ref"].partition("#")[0] for e in theirs["history"])
    for ref in (
        before
    ):  # a second registration only where GTO believed that a deprecation had undone the first
        assert said(ref) != "registration" or given[ref.partition("#")[0]] >= 2, where
    theirs["history"] = [event for event in theirs["history"] if event["ref"] not in before]
    assert_same(ours, theirs, where)
    refs = sorted(repository.refs - before)
    for ref in repository.chance.sample(refs, min(2, len(refs))):
        same_meaning(repository, ref)
    if command:
        answered = run_gto("show", "--json", "-r", str(repository.folder))
        assert json.loads(answered.stdout or "{}") == ours["show"], where


def said(ref: str) -> str:
    found = parse(ref)
    return str(found.action) if found else ""


def same_meaning(repository: Repository, ref: str) -> None:
    if said(ref).startswith("alias"):
        return
    (event,) = gto.api.check_ref(str(repository.folder), ref)
    theirs = event.dict_state(exclude={"priority", "addition"})
    theirs["created_at"] = theirs["created_at"].isoformat()
    assert repository.registry.check_ref(f"refs/tags/{ref}") == theirs


def run_gto(*words: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("gto")
    return subprocess.run([str(program), *words], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_each_difference_is_on_purpose(difference: str, tmp_path: Path) -> None:
    DIFFERENCES[difference](Case(tmp_path).begin())


def test_each_difference_is_in_the_docs() -> None:
    page = (ROOT / "docs" / "git-registry.md").read_text("utf-8")
    _, _, table = page.partition("## Differences from GTO, on purpose")
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.partition("\n## ")[0].splitlines() if line.startswith("| ")]  # fmt: skip
    assert rows[1:] == [*DIFFERENCES]


def test_a_hundred_registrations_from_eight_clones(tmp_path: Path) -> None:
    """Each has a version of its own, none is given twice, and GTO reads them all."""
    clones, each = 8, 13
    remote = tmp_path / "remote.git"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    for key, value in (("user.name", "R"), ("user.email", "r@example.org")):
        git(remote, "config", key, value)
    commits = commits_of(remote, clones * each)
    work: list[tuple[str, list[str]]] = []
    for number in range(clones):
        folder = tmp_path / f"clone{number}"
        git(tmp_path, "clone", "--quiet", str(remote), str(folder))
        git(folder, "config", "user.name", f"clone{number}")
        git(folder, "config", "user.email", "clone@example.org")
        work.append((str(folder), commits[number::clones]))
    got = all_at_once(register_commits, work)
    every = [label for labels in got for label in labels]
    assert sorted(every) == sorted(f"v0.0.{n}" for n in range(1, clones * each + 1))
    expected = dict(zip(every, [c for _, share in work for c in share], strict=True))
    theirs = {v["version"]: v["commit_hexsha"] for v in gto.api.show(str(remote), "churn")}
    assert theirs == expected
