"""The contract of registered models as tests: what callers find behind any registry, a yard, a hub or a Git repository.

A test module subclasses `RegisteredContract` and gives the fixture ``bench``: a `Bench` around an empty registry. What was
done is read through a second handle.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from modelyard.base.clock import now_ms, to_rfc3339
from modelyard.base.errors import AlreadyExists, NotFound, StageEmpty, VersionNotFound
from modelyard.yard.registered import Registered
from modelyard.yard.rehearsing import Rehearsed


@dataclass(frozen=True)
class Bench:
    """An empty registry, another handle to the same, and a way to register model number ``n``: it multiplies by that."""

    registry: Registered[Any]
    again: Callable[[], Registered[Any]]
    register: Callable[..., Any]

    def registered(self, count: int, name: str = "times") -> list[Any]:
        """The first versions of a name, as they are called."""
        return [self.register(n + 1, name).version for n in range(count)]

    def moment(self) -> int:
        """The time of what was done last; what comes next has a later one."""
        newest = max(state.updated_ms for state in self.registry.registry.states())
        while now_ms() == newest:
            time.sleep(0.001)  # a clock is waited for, nobody else
        return newest


class RegisteredContract:
    """Every registry passes these, wherever it keeps its models."""

    @pytest.fixture
    def bench(self) -> Bench:
        """Around an empty registry; a subclass gives it."""
        raise NotImplementedError

    def test_nothing_is_there(self, bench: Bench) -> None:
        assert bench.registry.names() == []
        assert bench.registry.summary() == {}
        assert list(bench.registry.list(records=True)) == []
        assert list(bench.registry.history(records=True)) == []
        with pytest.raises(NotFound, match="no model named 'times' in "):
            bench.registry.get("times")

    def test_a_version_and_its_model(self, bench: Bench) -> None:
        made = bench.register(1)
        found = bench.again().get("times")
        assert (found.name, found.ref) == ("times", f"times@{made.version}")
        assert (found.digest, found.version) == (made.digest, made.version)
        assert found.digest == found.card.digest == found.source.card.digest
        assert found.description == "times 1"
        assert found.metrics == {"acc": 0.5}
        assert (found.facts["flavor"], found.facts["tier"]) == ("callable", 2)
        assert list(found.stages) == list(found.aliases) == []
        assert found.load()(3.0) == 3.0
        assert found.predict(2.0) == [{"reference_id": None, "results": 2.0}]
        assert (found.source.name, found.source.version) == ("times", str(made.version))
        assert found.ref in repr(found)
        assert found.ref in found._repr_html_()

    def test_every_way_to_name_a_version(self, bench: Bench) -> None:
        one, two = bench.registered(2)
        bench.registry.promote("times", "prod", one)
        bench.registry.set_alias("times", "best", one)
        again = bench.again()
        told = ["times", "times@latest", f"times@{two}", "times#prod", "times@best", f"times@{one}"]
        assert [again.get(ref).version for ref in told] == [two, two, two, one, one, one]
        assert again.get("times#prod").load()(1.0) == 1.0
        assert again.source("times").version == str(two)
        assert list(again.get("times#prod").stages) == ["prod"]
        assert list(again.get("times@best").aliases) == ["best"]

    def test_what_is_there_already_is_the_version_it_was(self, bench: Bench) -> None:
        first = bench.register(1)
        assert bench.registry.get("times").version == first.version
        assert bench.register(1, again=True).version == first.version
        assert len(bench.again().versions("times", records=True)) == 1

    def test_stages_are_taken_over_and_given_back(self, bench: Bench) -> None:
        one, two = bench.registered(2)
        assert bench.registry.promote("times", "prod", one).version == one
        assert bench.registry.promote("times", "prod").version == two
        assert bench.again().get_stages("times") == {"prod": two}
        bench.registry.demote("times", "prod", two)
        assert bench.again().get_stages("times") == {"prod": one}
        bench.registry.promote("times", "prod", two)
        assert bench.registry.rollback("times", "prod").version == one
        bench.registry.demote("times", "prod")
        assert bench.again().get_stages("times") == {}
        with pytest.raises(StageEmpty, match="nothing is in stage 'prod'"):
            bench.registry.demote("times", "prod")

    def test_which_held_a_stage_at_a_moment(self, bench: Bench) -> None:
        one, two = bench.registered(2)
        bench.registry.promote("times", "prod", one, "good enough")
        between = bench.moment()
        bench.registry.promote("times", "prod", two)
        again = bench.again()
        now = again.which("times", "prod")
        assert list(now) == ["name", "version", "stage", "since", "by", "commit", "digest"]
        assert (now["name"], now["version"], now["stage"]) == ("times", two, "prod")
        assert now["digest"] == again.get("times").digest
        assert now["commit"] == again.get("times").commit
        assert again.which("times", "prod", at=between)["version"] == one
        assert again.which("times", "prod", at=to_rfc3339(between))["version"] == one
        with pytest.raises(NotFound, match="there was no model named 'times' at 2001-01-01"):
            again.which("times", "prod", at="2001-01-01")
        with pytest.raises(StageEmpty):
            again.which("times", "staging")

    def test_aliases_move_and_go(self, bench: Bench) -> None:
        one, two = bench.registered(2)
        bench.registry.set_alias("times", "best", one)
        bench.registry.set_alias("times", "best")
        assert bench.again().get_aliases("times") == {"best": two}
        bench.registry.remove_alias("times", "best")
        assert bench.again().get_aliases("times") == {}
        with pytest.raises(NotFound):
            bench.registry.remove_alias("times", "best")

    def test_a_deregistered_version_comes_back(self, bench: Bench) -> None:
        one, two = bench.registered(2)
        bench.registry.promote("times", "prod", two)
        assert bench.registry.deregister("times", two, "wrong months").version == two
        bench.registry.deregister("times", two)
        assert bench.again().get("times").version == one
        assert bench.again().get_stages("times") == {}
        with pytest.raises(VersionNotFound, match="is deregistered"):
            bench.again().get(f"times@{two}")
        rows = bench.again().versions("times", records=True)
        assert {row["version"]: row["active"] for row in rows} == {one: True, two: False}
        assert [row["version"] for row in bench.again().list(records=True)] == [one]
        assert bench.register(2, again=True).version == two
        assert bench.again().get_stages("times") == {"prod": two}

    def test_a_deprecated_model_is_left_out_until_it_is_used(self, bench: Bench) -> None:
        (one,) = bench.registered(1)
        bench.registry.deprecate("times", "use others")
        assert bench.again().summary() == {}
        assert bench.again().summary(deprecated=True)["times"]["latest"] == one
        assert bench.again().get("times").version == one
        bench.registry.promote("times", "prod")
        assert list(bench.again().summary()) == ["times"]

    def test_the_registry_at_a_glance(self, bench: Bench) -> None:
        one, two = bench.registered(2)
        bench.register(7, "other")
        bench.registry.promote("times", "prod", one)
        bench.registry.set_alias("times", "best", two)
        assert bench.again().summary() == {
            "other": {"latest": bench.again().get("other").version, "stages": {}, "aliases": {}},
            "times": {"latest": two, "stages": {"prod": one}, "aliases": {"best": two}},
        }
        assert list(bench.again().names()) == ["other", "times"]

    def test_a_history_is_newest_first(self, bench: Bench) -> None:
        (one,) = bench.registered(1)
        bench.registry.promote("times", "prod", comment="good enough")
        bench.registry.set_alias("times", "best", one)
        bench.registry.demote("times", "prod")
        bench.register(2, "other")
        rows = bench.again().history("times", records=True)
        kinds = ["stage.unassigned", "alias.moved", "stage.assigned", "version.registered"]
        assert [row["event"] for row in rows][:4] == kinds
        assert (rows[2]["stage"], rows[2]["comment"]) == ("prod", "good enough")
        assert str(rows[3]["version"]) == str(one)
        assert str(rows[0]["by"]) == str(rows[3]["by"]) != ""
        assert {row["name"] for row in bench.again().history(records=True)} == {"times", "other"}

    def test_semver_is_chosen_or_counted(self, bench: Bench) -> None:
        bench.register(1, semver="v1.2.0")
        assert bench.register(2, bump="minor").semver == "v1.3.0"
        assert bench.again().get("times@v1.2.0").load()(1.0) == 1.0
        with pytest.raises(AlreadyExists):
            bench.register(3, semver="v1.2.0")

    def test_a_near_name_is_told(self, bench: Bench) -> None:
        bench.registered(1)
        with pytest.raises(NotFound) as caught:
            bench.again().get("tims#prod")
        assert caught.value.hint == "did you mean 'times'?"

    def test_a_rehearsal_answers_as_if_and_changes_nothing(self, bench: Bench) -> None:
        one, two = bench.registered(2)
        rehearsed, before = Rehearsed(bench.registry), bench.again().history(records=True)
        assert rehearsed.promote("times", "prod").version == two
        assert rehearsed.promote("times", "prod", one).version == one
        assert rehearsed.get_stages("times") == {"prod": one}
        rehearsed.set_alias("times", "best", one)
        assert rehearsed.deregister("times", two).version == two
        rehearsed.deprecate("times")
        assert rehearsed.get_aliases("times") == {"best": one}
        with pytest.raises(StageEmpty):
            rehearsed.demote("times", "staging")
        assert list(bench.again().history(records=True)) == list(before)
        assert bench.again().get_stages("times") == {}
