"""Two registries kept in step: random histories on both sides meet, and meet again; what cannot be mirrored is said."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelyard.base.errors import ModelyardError
from modelyard.registry import queries, verbs
from modelyard.registry._mirror.views import match, view, view_of
from modelyard.registry.interface import Registry
from modelyard.registry.memory import MemoryRegistry
from modelyard.registry.mirroring import Outcome, Pair, describe, mirror, plan, preview

NAMES = ("churn", "iris")
STAGES = ("dev", "prod")
ALIASES = ("best", "old")
SEMVERS = ("v1.0.0", "v1.1.0", "v2.0.0-rc.1", "v2.0.0")


def commit(number: int) -> str:
    return f"{number:040x}"


Step = tuple[str, str, int, int]
steps = st.lists(
    st.tuples(
        st.sampled_from(["yard", "git"]),
        st.sampled_from(
            ["register", "register", "register", "promote", "promote", "demote", "alias",
             "unalias", "deregister", "deprecate", "delete", "drop"]
        ),
        st.integers(0, 7),
        st.integers(0, 7),
    ),
    max_size=30,
)  # fmt: skip


def carry_out(pair: Pair, step: Step) -> None:
    """One step of a random history; one that its registry refuses does not happen."""
    side, what, a, b = step
    registry = pair.registry(side)  # type: ignore[arg-type]
    name, stage, alias = NAMES[a % 2], STAGES[b % 2], ALIASES[b % 2]
    labels = list(registry.state(name).versions)
    label = labels[b % len(labels)] if labels else "1"
    acts: dict[str, Callable[[], Any]] = {
        "register": lambda: _register(registry, side, name, a, b),
        "promote": lambda: verbs.promote(registry, name, stage, label),
        "demote": lambda: verbs.demote(registry, name, stage, label if a > 3 else None),
        "alias": lambda: verbs.set_alias(registry, name, alias, label),
        "unalias": lambda: verbs.remove_alias(registry, name, alias),
        "deregister": lambda: verbs.deregister(registry, name, label),
        "deprecate": lambda: verbs.deprecate(registry, name),
        "delete": lambda: verbs.delete_version(registry, name, label),
        "drop": lambda: verbs.delete_model(registry, name) if a == b else None,
    }
    try:
        acts[what]()
    except ModelyardError:
        return


def _register(registry: Registry, side: str, name: str, a: int, b: int) -> None:
    # A commit is mostly that of its SemVer, so that the two sides mean the same by it.
    number = b % 4 if a < 6 else a + b
    semver = SEMVERS[b % 4]
    if side == "yard" and a == 5:
        semver = None  # type: ignore[assignment]
    if side == "yard" and a == 4:
        number = -1
    verbs.register(
        registry,
        name,
        digest=f"{number + 100:064x}",
        commit=commit(number) if number >= 0 else "",
        semver=semver,
    )


def in_step(pair: Pair, name: str, base: Any, conflicts: Collection[str]) -> None:
    """Neither side lacks anything that both can have."""
    yard, git = pair.yard.state(name), pair.git.state(name)
    if any(line.startswith(f"{name}: ") for line in conflicts):
        return
    found = plan(pair, yard, git, view_of(base))
    assert not any(found.drafts.values())
    matched = match(yard, git, view_of(base), set(map(commit, range(50))))
    assert matched.to_git == matched.to_yard == matched.labelled == matched.conflicts == []
    here, there = view(yard, matched.common), view(git, matched.common)
    assert (here.active, here.stages) == (there.active, there.stages)
    if yard.exists and git.exists and here.deprecated != there.deprecated:
        lost = yard if here.deprecated else git
        assert (list(lost.assignments), queries.active(lost)) == ([], [])
        return
    if git.deprecated and yard.exists:
        return  # Git takes no alias then
    waiting = {a for a, v in yard.aliases.items() if yard.versions[v].semver not in matched.common}
    assert here.aliases == {a: to for a, to in there.aliases.items() if a not in waiting}


@given(steps, steps, st.sampled_from([None, "yard", "git"]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_random_histories_meet_and_meet_again(
    before: Sequence[Step], after: Sequence[Step], prefer: Any
) -> None:
    pair = Pair(
        MemoryRegistry("number"),
        MemoryRegistry("semver"),
        commits=lambda asked: {c for c in asked if c in set(map(commit, range(50)))},
        prefer=prefer,
    )
    bases: dict[str, dict[str, Any]] = {}
    for history in (before, after):
        for step in history:
            carry_out(pair, step)
        outcome, bases = mirror(pair, json.loads(json.dumps(bases)))
        again, same = mirror(pair, json.loads(json.dumps(bases)))
        assert again.changes == []
        assert json.loads(json.dumps(same)) == json.loads(json.dumps(bases))
        assert again.conflicts == outcome.conflicts
        for name in NAMES:
            in_step(pair, name, bases.get(name), outcome.conflicts)


@given(steps, st.sampled_from(["yard", "git"]))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_side_that_is_not_written_to_stays_as_it_is(history: Sequence[Step], only: Any) -> None:
    pair = Pair(MemoryRegistry("number"), MemoryRegistry("semver"), sides=(only,), prefer="git")
    for step in history:
        carry_out(pair, step)
    other = pair.registry("git" if only == "yard" else "yard")
    before = list(other.states())
    outcome, bases = mirror(pair, {})
    assert {side for side, _ in outcome.changes} <= {only}
    assert list(other.states()) == before
    assert mirror(pair, bases)[0].changes == []


@pytest.fixture
def pair() -> Pair:
    return Pair(MemoryRegistry("number"), MemoryRegistry("semver"))


def version(registry: Registry, number: int, semver: str | None = None) -> str:
    label = semver or f"v1.{number}.0"
    return verbs.register(
        registry, "churn", digest=f"{number:064x}", commit=commit(number), semver=label
    ).label


def words(outcome: Outcome) -> list[str]:
    return [f"{side} {describe(change)}" for side, change in outcome.changes]


def test_a_tag_appears_in_the_yard_and_a_promotion_becomes_a_tag(pair: Pair) -> None:
    version(pair.git, 0)
    verbs.promote(pair.git, "churn", "prod")
    verbs.set_alias(pair.git, "churn", "champion")
    told = preview(pair, {})
    outcome, bases = mirror(pair, {})
    assert words(outcome) == [
        "yard churn: the model",
        "yard churn: version v1.0.0",
        "yard churn: version 1 into prod",
        "yard churn: alias champion to version 1",
    ]
    assert words(told) == words(outcome)
    found = pair.yard.state("churn")
    assert (found.versions["1"].semver, found.versions["1"].commit) == ("v1.0.0", commit(0))
    assert queries.holders(found) == {"prod": "1"}
    version(pair.yard, 1)
    verbs.promote(pair.yard, "churn", "prod", comment="better")
    outcome, bases = mirror(pair, bases)
    assert words(outcome) == ["git churn: version v1.1.0", "git churn: version v1.1.0 into prod"]
    assert queries.holders(pair.git.state("churn")) == {"prod": "v1.1.0"}
    verbs.rollback(pair.git, "churn", "prod")
    assert words(mirror(pair, bases)[0]) == ["yard churn: version 2 out of prod"]
    assert queries.holders(pair.yard.state("churn")) == {"prod": "1"}


def test_both_promoting_something_else_is_a_conflict_and_nothing_is_done(pair: Pair) -> None:
    for number in (0, 1, 2):
        version(pair.git, number)
    _, bases = mirror(pair, {})
    verbs.promote(pair.git, "churn", "prod", "v1.1.0")
    verbs.promote(pair.yard, "churn", "prod", 3)
    verbs.promote(pair.yard, "churn", "dev", 1)
    outcome, after = mirror(pair, bases)
    assert outcome.changes == []
    assert outcome.conflicts == [
        "churn: stage prod is held by v1.2.0 in the yard and held by v1.1.0 in Git"
    ]
    assert after == bases
    settled, _ = mirror(Pair(pair.yard, pair.git, prefer="yard"), bases)
    assert settled.conflicts == []
    assert queries.holders(pair.git.state("churn")) == {"prod": "v1.2.0", "dev": "v1.0.0"}


def test_one_version_with_two_commits_is_a_conflict_that_no_preference_settles(pair: Pair) -> None:
    version(pair.git, 0, "v1.0.0")
    version(pair.yard, 1, "v1.0.0")
    outcome, _ = mirror(Pair(pair.yard, pair.git, prefer="git"), {})
    assert outcome.changes == []
    assert "v1.0.0 is commit 000000000000 in Git" in outcome.conflicts[0]


def test_what_cannot_be_mirrored_is_said(pair: Pair) -> None:
    for number, semver in ((0, "v1.0.0"), (1, "v1.1.0"), (2, "v1.2.0")):
        version(pair.git, number, semver)
    _, bases = mirror(pair, {})
    verbs.register(pair.yard, "churn", digest="a" * 64)
    verbs.register(pair.yard, "churn", digest="b" * 64, semver="v9.0.0")
    verbs.register(pair.yard, "churn", digest="c" * 64, semver="v9.1.0", commit=commit(2))
    verbs.register(pair.yard, "churn", digest="d" * 64, semver="v9.2.0", commit=commit(77))
    verbs.set_alias(pair.yard, "churn", "best", 4)
    verbs.promote(pair.yard, "churn", "prod", 4)
    verbs.delete_version(pair.yard, "churn", 1)
    verbs.delete_version(pair.git, "churn", "v1.1.0")
    verbs.register(pair.yard, "churn 2", digest="e" * 64, semver="v1.0.0", commit=commit(5))
    known = Pair(pair.yard, pair.git, commits=lambda asked: set(asked) - {commit(77)})
    outcome, bases = mirror(known, bases)
    assert outcome.changes == []
    assert outcome.conflicts == []
    assert outcome.apart == [
        "churn: v1.0.0 was deleted in the yard, and stays in Git: deregister it",
        "churn: version 2 (v1.1.0) has no tag any more, and stays in the yard",
        "churn: version 4 has no SemVer, and stays in the yard; nor a commit",
        "churn: version 5 (v9.0.0) has no commit, and stays in the yard",
        "churn: version 6 (v9.1.0) is at the commit of v1.2.0, and a commit has one version in Git",
        f"churn: version 7 (v9.2.0) is of commit {commit(77)[:12]}, which the repository does not have",
        "churn: stage prod is held by version 4, which is in the yard alone",
        "churn: alias best is at version 4, which is in the yard alone",
        "churn 2: not in Git: model name 'churn 2' is refused: it cannot be part of a Git tag",
    ]
    assert mirror(known, bases)[0].apart == outcome.apart


def test_a_version_of_the_yard_at_a_tagged_commit_gets_its_label(pair: Pair) -> None:
    verbs.register(pair.yard, "churn", digest="a" * 64, commit=commit(0))
    verbs.promote(pair.yard, "churn", "prod")
    version(pair.git, 0, "v3.0.0")
    outcome, bases = mirror(pair, {})
    assert words(outcome) == [
        "git churn: version v3.0.0 into prod",
        "yard churn: version 1 gets the label v3.0.0",
    ]
    assert mirror(pair, bases)[0].changes == []


def test_deregistering_deprecating_and_coming_back_go_over_too(pair: Pair) -> None:
    version(pair.git, 0)
    _, bases = mirror(pair, {})
    verbs.deregister(pair.yard, "churn", 1)
    verbs.deprecate(pair.yard, "churn")
    _, bases = mirror(pair, bases)
    state = pair.git.state("churn")
    assert (state.deprecated, state.versions["v1.0.0"].active) == (True, False)
    version(pair.git, 0)
    _, bases = mirror(pair, bases)
    found = pair.yard.state("churn")
    assert (found.deprecated, found.versions["1"].active) == (False, True)
    assert found.versions["1"].digest == f"{0:064x}"
