"""The contract of a registry, as tests: what `modelyard.registry.interface` promises, over any implementation.

A test module subclasses `NumberedRegistryContract` (a yard, in ``registries_numbered.py``) or
`SemVerRegistryContract` (Git, in ``registries_semver.py``) and gives the fixture ``bench``: a `Bench` around an empty
registry. What was written is read through a second handle.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from modelyard.base.errors import (
    InvalidInput,
    InvalidName,
    NotFound,
    StageEmpty,
    VersionNotFound,
)
from modelyard.base.events import Caller, Draft, Kind, set_caller
from modelyard.registry import queries, verbs
from modelyard.registry.fold import fold
from modelyard.registry.interface import ModelState, Registry, Version


@dataclass(frozen=True)
class Bench:
    """An empty registry and another handle to the same."""

    registry: Registry
    again: Callable[[], Registry]

    def commit(self, content: int) -> str:
        """The commit that a numbered content is at."""
        return digest(content)[:40]

    def register(self, name: str, content: int, **options: Any) -> Version:
        """Version of a numbered content; each content is at a commit of its own."""
        made = {"digest": digest(content), "commit": self.commit(content), **options}
        return verbs.register(self.registry, name, **made)

    def registered(self, name: str, count: int) -> list[str]:
        """The labels of the first versions of a name, of contents 1, 2, 3 …"""
        return [self.register(name, content + 1).label for content in range(count)]

    def state(self, name: str) -> ModelState:
        """As somebody else sees it; what the tables say and what the events say must agree."""
        state = self.again().state(name)
        assert state == fold(self.again().events(name), name)
        assert list(state.versions) == list(fold(self.again().events(name)).versions)
        return state


def digest(content: int) -> str:
    """The sha256 of a numbered content."""
    return hashlib.sha256(str(content).encode()).hexdigest()


def labels(versions: Sequence[Version]) -> list[str]:
    """What the versions are called."""
    return [version.label for version in versions]


class RegistryContract:
    """Every registry passes these, however it counts."""

    @pytest.fixture
    def bench(self) -> Bench:
        """Around an empty registry; a subclass gives it."""
        raise NotImplementedError

    def test_nothing_is_there(self, bench: Bench) -> None:
        assert bench.registry.state("churn") == ModelState("churn")
        assert list(bench.registry.states()) == list(bench.registry.names()) == []
        assert list(bench.registry.events()) == list(bench.registry.events("churn")) == []

    def test_comments_change_nothing_but_the_history(self, bench: Bench) -> None:
        label = bench.register("churn", 1).label
        before = bench.state("churn")
        verbs.comment(bench.registry, "churn", "**good** on the new data")
        verbs.comment(bench.registry, "churn", "slow", label)
        assert bench.state("churn") == before
        said = [(e.kind, e.after.get("version"), e.comment) for e in bench.again().events("churn")][
            -2:
        ]
        assert said == [
            (Kind.MODEL_COMMENTED, None, "**good** on the new data"),
            (Kind.VERSION_COMMENTED, label, "slow"),
        ]
        with pytest.raises(InvalidInput, match="says something"):
            verbs.comment(bench.registry, "churn", " ")
        with pytest.raises(NotFound, match="no model named 'chrun'"):
            verbs.comment(bench.registry, "chrun", "x")

    def test_a_version_and_all_that_is_known_of_it(self, bench: Bench) -> None:
        facts = {"flavor": "sklearn", "metrics": {"acc": 0.1 + 0.2}, "tags": {"é": "\0 \ud800"}}
        made = bench.register("churn", 1, facts=facts, comment="the first")
        state = bench.state("churn")
        assert state.exists
        assert state.versions == {made.label: made}
        assert (made.name, made.digest, made.commit) == ("churn", digest(1), bench.commit(1))
        assert (made.facts, made.comment, made.active) == (facts, "the first", True)
        assert 0 < state.created_ms <= made.at_ms <= state.updated_ms

    def test_who_acts_is_recorded(self, bench: Bench) -> None:
        set_caller(Caller("ana", "request-7"))
        try:
            made = bench.register("churn", 1)
        finally:
            set_caller(None)
        assert made.actor == "ana"
        assert {(e.actor, e.request_id) for e in bench.again().events()} == {("ana", "request-7")}

    def test_equal_content_is_the_same_version(self, bench: Bench) -> None:
        first = bench.register("churn", 1)
        count = len(list(bench.registry.events()))
        assert bench.register("churn", 1, comment="again") == first
        assert bench.register("churn", 2).label != first.label
        assert bench.register("churn", 1) == first
        assert bench.register("iris", 1).name == "iris"
        assert len(list(bench.registry.events("churn"))) == count + 1

    def test_newest_is_the_one_registered_last(self, bench: Bench) -> None:
        one, two = bench.registered("churn", 2)
        assert verbs.find(bench.again(), "churn").label == two
        verbs.deregister(bench.registry, "churn", one)
        assert not bench.state("churn").versions[one].active
        assert bench.register("churn", 1).label == one
        state = bench.state("churn")
        assert list(state.versions) == [two, one]
        assert verbs.find(bench.again(), "churn").label == one
        assert verbs.find(bench.again(), "churn", "latest").label == two

    def test_a_deregistered_version_cannot_be_used_and_comes_back(self, bench: Bench) -> None:
        one, two = bench.registered("churn", 2)
        verbs.promote(bench.registry, "churn", "prod", two)
        verbs.set_alias(bench.registry, "churn", "champion", two)
        verbs.deregister(bench.registry, "churn", two)
        verbs.deregister(bench.registry, "churn", two)
        assert verbs.find(bench.again(), "churn").label == one
        for which in (two, "champion"):
            with pytest.raises(VersionNotFound, match="is deregistered"):
                verbs.find(bench.again(), "churn", which)
        with pytest.raises(VersionNotFound, match="is deregistered"):
            verbs.promote(bench.registry, "churn", "staging", two)
        assert queries.holder(bench.state("churn"), "prod") is None
        bench.register("churn", 2)
        assert verbs.find(bench.again(), "churn", "champion").label == two
        assert queries.holders(bench.state("churn")) == {"prod": two}

    def test_the_newest_assignment_holds_a_stage(self, bench: Bench) -> None:
        one, two, three = bench.registered("churn", 3)
        for version in (one, two, three, one):
            assert verbs.promote(bench.registry, "churn", "prod", version).label == version
        assert labels(queries.members(bench.state("churn"), "prod")) == [two, three, one]
        verbs.promote(bench.registry, "churn", "staging")
        assert queries.holders(bench.state("churn")) == {"prod": one, "staging": three}
        assert queries.stages_of(bench.state("churn"), three) == ["prod", "staging"]

    def test_promoting_the_holder_again_is_nothing_new(self, bench: Bench) -> None:
        bench.registered("churn", 1)
        verbs.promote(bench.registry, "churn", "prod")
        seq = bench.state("churn").seq
        verbs.promote(bench.registry, "churn", "prod")
        assert bench.state("churn").seq == seq

    def test_demoting_one_version_brings_back_the_one_before(self, bench: Bench) -> None:
        one, two, three = bench.registered("churn", 3)
        for version in (one, two, three):
            verbs.promote(bench.registry, "churn", "prod", version)
        done = verbs.demote(bench.registry, "churn", "prod", three)
        assert [a.version for a in done.removed] == [three]
        assert done.holder is not None
        assert done.holder.label == two
        assert verbs.demote(bench.registry, "churn", "prod", one).holder == done.holder
        assert verbs.demote(bench.registry, "churn", "prod", two).holder is None
        assert bench.state("churn").assignments == ()

    def test_demoting_empties_a_stage(self, bench: Bench) -> None:
        one, two, three = bench.registered("churn", 3)
        for version in (one, two, three):
            verbs.promote(bench.registry, "churn", "prod", version)
        verbs.promote(bench.registry, "churn", "staging", two)
        verbs.deregister(bench.registry, "churn", three)
        done = verbs.demote(bench.registry, "churn", "prod", comment="stop")
        assert [a.version for a in done.removed] == [one, two, three]
        assert done.holder is None
        bench.register("churn", 3)
        assert queries.holders(bench.state("churn")) == {"staging": two}

    def test_what_is_not_in_a_stage_cannot_leave_it(self, bench: Bench) -> None:
        one, two = bench.registered("churn", 2)
        verbs.promote(bench.registry, "churn", "prod", one)
        with pytest.raises(StageEmpty, match="nothing is in stage 'prd'") as empty:
            verbs.demote(bench.registry, "churn", "prd")
        assert empty.value.hint == f"did you mean 'prod'?; in use: prod (version {one})"
        with pytest.raises(StageEmpty, match="is not in stage 'prod'"):
            verbs.demote(bench.registry, "churn", "prod", two)

    def test_an_alias_moves_and_goes(self, bench: Bench) -> None:
        one, two = bench.registered("churn", 2)
        for version in (one, one, two):
            assert verbs.set_alias(bench.registry, "churn", "best", version).label == version
        verbs.set_alias(bench.registry, "churn", "first", one)
        assert bench.state("churn").aliases == {"best": two, "first": one}
        verbs.remove_alias(bench.registry, "churn", "best")
        assert bench.state("churn").aliases == {"first": one}
        moves = [e for e in bench.again().events("churn") if e.kind.startswith("alias.")]
        assert [(e.before["version"], e.after["version"]) for e in moves] == [
            (None, one),
            (one, two),
            (None, one),
            (two, None),
        ]
        with pytest.raises(NotFound, match="'churn' has no alias 'best'"):
            verbs.remove_alias(bench.registry, "churn", "best")

    def test_an_alias_never_reads_as_a_version(self, bench: Bench) -> None:
        bench.registered("churn", 1)
        for alias in ("latest", "LATEST", "7", "v7", "", "a b", "a/b", "v1.0.0"):
            with pytest.raises(InvalidName):
                verbs.set_alias(bench.registry, "churn", alias)
        assert bench.state("churn").aliases == {}

    def test_a_deprecated_model_is_revived_by_what_happens_to_it(self, bench: Bench) -> None:
        bench.registered("churn", 1)
        for revive in (
            lambda: bench.register("churn", 2),
            lambda: verbs.promote(bench.registry, "churn", "prod"),
            lambda: verbs.demote(bench.registry, "churn", "prod"),
            lambda: verbs.deregister(bench.registry, "churn", "latest"),
        ):
            assert verbs.deprecate(bench.registry, "churn", comment="too old").deprecated
            verbs.deprecate(bench.registry, "churn")
            assert bench.state("churn").deprecated
            revive()
            assert not bench.state("churn").deprecated

    def test_what_is_not_there_is_told_with_what_is(self, bench: Bench) -> None:
        one, two = bench.registered("churn", 2)
        verbs.set_alias(bench.registry, "churn", "champion", one)
        asked: list[tuple[str, str, str, str]] = [
            ("chrun", "latest", "no model named 'chrun'", "did you mean 'churn'?"),
            ("iris", "latest", "no model named 'iris'", "there are: churn"),
            (
                "churn",
                "champoin",
                "'churn' has no alias 'champoin'",
                f"did you mean 'champion'?; versions: {one}, {two}; aliases: champion",
            ),
            (
                "churn",
                "77",
                "no version 77 of 'churn'",
                f"versions: {one}, {two}; aliases: champion",
            ),
        ]
        for name, which, message, hint in asked:
            with pytest.raises(NotFound) as found:
                verbs.find(bench.again(), name, which)
            assert (found.value.message, found.value.hint) == (message, hint)
        with pytest.raises(NotFound) as found:
            verbs.promote(bench.registry, "chrun", "prod")
        assert found.value.hint == "did you mean 'churn'?"

    def test_a_refused_decision_leaves_nothing(self, bench: Bench) -> None:
        bench.registered("churn", 1)
        before = bench.state("churn"), list(bench.registry.events())

        def refuse(state: ModelState) -> list[Draft]:
            raise RuntimeError("no")

        for name in ("churn", "other"):
            with pytest.raises(RuntimeError, match="no"):
                bench.registry.write(name, refuse)
            assert bench.registry.write(name, lambda state: []) == []
        assert (bench.state("churn"), list(bench.registry.events())) == before
        assert list(bench.again().names()) == ["churn"]

    def test_what_cannot_be_kept_exactly_is_refused(self, bench: Bench) -> None:
        bad: list[dict[str, Any]] = [
            {"facts": {"auc": float("nan")}},
            {"facts": {"x": {1, 2}}},
            {"comment": "a\0b"},
            {"comment": "\ud800"},
        ]
        for options in bad:
            with pytest.raises(InvalidInput):
                bench.register("churn", 1, **options)
        with pytest.raises(InvalidInput):
            verbs.register(bench.registry, "churn", digest="abc")
        assert not bench.state("churn").exists

    def test_names_and_states_are_sorted(self, bench: Bench) -> None:
        for number in (10, 9, 2, 1, 3):
            bench.register(f"m{number}", number)
        names = ["m1", "m10", "m2", "m3", "m9"]
        assert list(bench.again().names()) == names
        assert list(bench.again().states()) == [bench.state(name) for name in names]

    def test_events_are_numbered_in_order_and_followed(self, bench: Bench) -> None:
        bench.registered("churn", 2)
        bench.register("iris", 3)
        verbs.promote(bench.registry, "churn", "prod")
        every = list(bench.again().events())
        assert [e.seq for e in every] == sorted({e.seq for e in every})
        assert [e.at_ms for e in every] == sorted(e.at_ms for e in every)
        mine = [e for e in every if e.subject == "model:churn"]
        assert list(bench.again().events("churn")) == mine
        middle = mine[-2].seq
        assert list(bench.again().events("churn", after=middle)) == mine[-1:]
        assert list(bench.again().events(after=every[-1].seq)) == []

    def test_the_past_can_be_asked(self, bench: Bench) -> None:
        bench.registered("churn", 2)
        events = list(bench.again().events("churn"))
        last = events[-1].at_ms
        moves = [
            verbs.promote(bench.registry, "churn", "prod", label)
            for label in bench.state("churn").versions
        ]
        assert len(moves) == 2
        events = list(bench.again().events("churn"))
        for event in events:
            expected = fold([e for e in events if e.at_ms <= event.at_ms])
            held = queries.holder_at(events, "prod", event.at_ms)
            assert held == queries.holder(expected, "prod")
        assert queries.holder_at(events, "prod", events[0].at_ms - 1) is None
        assert queries.holder_at(events, "prod", max(last, events[-1].at_ms)) is not None

    def test_threads_on_one_registry_lose_nothing(self, bench: Bench) -> None:
        done: list[str] = []

        def work(offset: int) -> None:
            done.extend(bench.register("churn", offset + n).label for n in range(5))

        threads = [threading.Thread(target=work, args=(100 * n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(done) == len(set(done)) == 20
        assert set(bench.state("churn").versions) == set(done)


def history_is_unbroken(registry: Registry, name: str) -> None:
    """Each move of a stage or alias begins where the one before it ended (P15)."""
    held: dict[str, Any] = {}
    aliases: dict[str, Any] = {}
    for event in registry.events(name):
        for stage, label in event.before.get("holders", {}).items():
            assert held.get(stage) == label, event
            held[stage] = event.after["holders"][stage]
        if event.kind in (Kind.ALIAS_MOVED, Kind.ALIAS_REMOVED):
            assert aliases.get(event.before["alias"]) == event.before["version"], event
            aliases[event.after["alias"]] = event.after["version"]
    state = registry.state(name)
    assert {stage: label for stage, label in held.items() if label} == queries.holders(state)
    assert {alias: label for alias, label in aliases.items() if label} == dict(state.aliases)
