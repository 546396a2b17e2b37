"""The part of a registry's contract that is about numbers: labels, renaming, deleting, describing."""

from __future__ import annotations

import pytest

from modelyard.base.errors import (
    AlreadyExists,
    InvalidInput,
    InvalidName,
    NotFound,
    VersionNotFound,
)
from modelyard.base.events import Draft, Kind
from modelyard.registry import queries, verbs
from modelyard.registry.interface import ModelState
from modelyard.testing.registries import Bench, RegistryContract, digest, history_is_unbroken


class NumberedRegistryContract(RegistryContract):
    """Registries that count 1, 2, 3 pass these."""

    def test_versions_count_from_one_and_are_never_given_twice(self, bench: Bench) -> None:
        assert bench.registered("churn", 3) == ["1", "2", "3"]
        verbs.delete_version(bench.registry, "churn", 3)
        verbs.deregister(bench.registry, "churn", 2)
        assert bench.register("churn", 4).number == 4
        assert bench.register("churn", 3).number == 5
        assert bench.register("churn", 2).number == 2
        assert bench.register("churn", 6).number == 6
        assert bench.state("churn").counter == 6
        assert verbs.find(bench.again(), "churn", 6) == verbs.find(bench.again(), "churn", "latest")

    def test_every_registration_may_be_a_version(self, bench: Bench) -> None:
        made = [bench.register("churn", 1, reuse=False) for _ in range(3)]
        unknown = [verbs.register(bench.registry, "churn") for _ in range(2)]
        assert [v.number for v in made + unknown] == [1, 2, 3, 4, 5]
        assert bench.register("churn", 1).number == 3
        assert unknown[0].digest == ""

    def test_a_semver_is_a_label_of_one_version(self, bench: Bench) -> None:
        one = bench.register("churn", 1, semver="v1.0.0")
        two = bench.register("churn", 2, bump="minor")
        three = bench.register("churn", 3)
        assert (one.label, one.semver, two.semver, three.semver) == ("1", "v1.0.0", "v1.1.0", None)
        assert verbs.find(bench.again(), "churn", "v1.0.0") == one
        with pytest.raises(AlreadyExists, match=r"v1\.0\.0 is version 1 of 'churn'") as taken:
            bench.register("churn", 4, semver="v1.0.0")
        assert taken.value.hint == "the next free ones are v1.1.1, v1.2.0, v2.0.0"
        with pytest.raises(AlreadyExists, match="this content is version 1"):
            bench.register("churn", 1, semver="v9.0.0")
        with pytest.raises(InvalidInput):
            bench.register("churn", 5, semver="v3.0.0", bump="major")
        assert bench.register("churn", 3, semver="v3.0.0").semver == "v3.0.0"
        assert bench.register("churn", 3, bump="major").semver == "v3.0.0"
        verbs.deregister(bench.registry, "churn", "v1.0.0")
        assert bench.register("churn", 1).semver == "v1.0.0"
        assert list(bench.state("churn").versions) == ["2", "3", "1"]

    def test_a_deleted_version_is_gone_from_stages_and_aliases(self, bench: Bench) -> None:
        bench.registered("churn", 2)
        for version in (1, 2):
            verbs.promote(bench.registry, "churn", "prod", version)
        verbs.set_alias(bench.registry, "churn", "best", 2)
        verbs.set_alias(bench.registry, "churn", "first", 1)
        verbs.delete_version(bench.registry, "churn", "best")
        state = bench.state("churn")
        assert queries.holders(state) == {"prod": "1"}
        assert state.aliases == {"first": "1"}
        with pytest.raises(VersionNotFound, match="no version 2"):
            verbs.find(bench.again(), "churn", 2)
        verbs.delete_version(bench.registry, "churn", 1)
        assert bench.state("churn").exists
        with pytest.raises(VersionNotFound, match="'churn' has no version"):
            verbs.find(bench.again(), "churn")
        history_is_unbroken(bench.again(), "churn")

    def test_a_model_begins_without_versions(self, bench: Bench) -> None:
        state = verbs.create(bench.registry, "churn", description="who leaves", facts={"a": 1})
        assert state == bench.state("churn")
        assert (state.description, state.facts, state.counter) == ("who leaves", {"a": 1}, 0)
        with pytest.raises(AlreadyExists):
            verbs.create(bench.registry, "churn")
        assert bench.register("churn", 1).number == 1

    def test_words_and_facts_change(self, bench: Bench) -> None:
        verbs.create(bench.registry, "churn", description="old", facts={"a": 1, "b": [1]})
        bench.register("churn", 1, facts={"description": "x", "metrics": {"acc": 1}})
        verbs.deprecate(bench.registry, "churn")
        verbs.describe(bench.registry, "churn", description="new", facts={"a": None, "c": 2})
        changed = verbs.describe_version(
            bench.registry, "churn", 1, facts={"description": "y", "run": "r", "gone": None}
        )
        assert changed.facts == {"description": "y", "metrics": {"acc": 1}, "run": "r"}
        state = bench.state("churn")
        assert (state.description, state.facts) == ("new", {"b": [1], "c": 2})
        assert state.versions["1"] == changed
        assert state.deprecated
        events = list(bench.again().events("churn"))
        assert events[-1].before == {"version": "1", "facts": {"description": "x", "run": None}}
        verbs.describe(bench.registry, "churn", description="new", facts={"c": 2})
        verbs.describe_version(bench.registry, "churn", 1, facts={"run": "r"})
        assert list(bench.again().events("churn")) == events

    def test_a_model_keeps_its_history_under_another_name(self, bench: Bench) -> None:
        bench.registered("churn", 2)
        verbs.promote(bench.registry, "churn", "prod", 1)
        verbs.set_alias(bench.registry, "churn", "best", 2)
        history = list(bench.again().events("churn"))
        verbs.rename(bench.registry, "churn", "leavers")
        state = bench.state("leavers")
        assert {v.name for v in state.versions.values()} == {"leavers"}
        assert (queries.holders(state), state.aliases) == ({"prod": "1"}, {"best": "2"})
        assert list(bench.again().events("leavers"))[:-1] == history
        assert bench.register("leavers", 3).number == 3
        assert list(bench.again().names()) == ["leavers"]

    def test_an_old_name_begins_anew(self, bench: Bench) -> None:
        bench.registered("churn", 3)
        verbs.rename(bench.registry, "churn", "leavers")
        assert not bench.state("churn").exists
        assert list(bench.again().events("churn")) == []
        with pytest.raises(NotFound, match="no model named 'churn'"):
            verbs.rename(bench.registry, "churn", "x")
        assert bench.register("churn", 9).number == 1
        assert len(bench.state("leavers").versions) == 3
        verbs.rename(bench.registry, "churn", "x")
        verbs.rename(bench.registry, "leavers", "churn")
        assert [v.name for v in bench.state("churn").versions.values()] == ["churn"] * 3
        assert next(iter(bench.again().events("x"))).kind is Kind.MODEL_CREATED

    def test_a_name_that_is_taken_is_refused(self, bench: Bench) -> None:
        for content, name in enumerate(["churn", "café", "iris"]):
            bench.register(name, content)
        with pytest.raises(AlreadyExists, match="there is a model named 'iris' already"):
            verbs.rename(bench.registry, "churn", "iris")
        for twin, other in (("Churn", "iris"), ("CAFÉ", "churn"), ("ｉｒｉｓ", "churn")):
            with pytest.raises(InvalidName, match="by case or normal form only"):
                bench.register(twin, 9)
            with pytest.raises(InvalidName, match="by case or normal form only"):
                verbs.rename(bench.registry, other, twin)
        assert list(bench.again().names()) == ["café", "churn", "iris"]
        verbs.rename(bench.registry, "churn", "Churn")
        assert verbs.find(bench.again(), "cafe\u0301").name == "café"
        assert bench.register("cafe\u0301", 1).name == "café"
        assert list(bench.again().names()) == ["Churn", "café", "iris"]

    def test_bad_names_are_refused(self, bench: Bench) -> None:
        for name in ("", " ", "a/b", "a\nb", "x" * 257, "a\u202eb", "a\\b", "..", "m-" + "0" * 32):
            with pytest.raises(InvalidName):
                bench.register(name, 1)
        bench.register("é" * 256, 1)
        assert len(list(bench.again().names())) == 1

    def test_a_deleted_model_leaves_its_name(self, bench: Bench) -> None:
        bench.registered("churn", 2)
        verbs.promote(bench.registry, "churn", "prod")
        verbs.set_alias(bench.registry, "churn", "best")
        history = list(bench.again().events("churn"))
        verbs.delete_model(bench.registry, "churn", comment="away")
        assert not bench.state("churn").exists
        events = list(bench.again().events("churn"))
        assert events[:-1] == history
        assert events[-1].before["holders"] == {"prod": "2"}
        assert list(bench.again().names()) == []
        with pytest.raises(NotFound):
            verbs.delete_model(bench.registry, "churn")
        assert bench.register("Churn", 1).number == 1
        assert bench.state("Churn").aliases == {}
        assert [e.kind for e in bench.again().events("Churn")] == [
            Kind.MODEL_CREATED,
            Kind.VERSION_REGISTERED,
        ]

    def test_one_stage_alone(self, bench: Bench) -> None:
        bench.registered("churn", 3)
        for version in (1, 2):
            verbs.transition(bench.registry, "churn", version, "Staging")
        verbs.transition(bench.registry, "churn", 1, "Production")
        state = verbs.transition(bench.registry, "churn", 3, "Staging")
        assert queries.stages_of(state, "1") == ["Production"]
        state = verbs.transition(bench.registry, "churn", 3, "Production", archive_to="Archived")
        assert {v: queries.stages_of(state, v) for v in state.versions} == {
            "1": ["Archived"],
            "2": ["Staging"],
            "3": ["Production"],
        }
        state = verbs.transition(bench.registry, "churn", 3, None)
        assert queries.holders(state) == {"Archived": "1", "Staging": "2"}
        assert state == bench.state("churn")
        history_is_unbroken(bench.again(), "churn")

    def test_a_download_is_recorded_and_changes_nothing(self, bench: Bench) -> None:
        def downloaded(state: ModelState) -> list[Draft]:
            return [Draft(Kind.MODEL_DOWNLOADED, f"model:{state.name}", after={"version": "1"})]

        bench.register("churn", 1)
        verbs.deprecate(bench.registry, "churn")
        before = bench.state("churn")
        (event,) = bench.registry.write("churn", downloaded)
        assert list(bench.again().events("churn"))[-1] == event
        assert bench.state("churn") == before
        with pytest.raises(NotFound):
            bench.registry.write("iris", downloaded)
        assert event == list(bench.again().events())[-1]

    def test_digests_of_other_names_are_no_concern(self, bench: Bench) -> None:
        assert bench.register("churn", 1).digest == bench.register("iris", 1).digest == digest(1)
        assert bench.state("iris").counter == 1
