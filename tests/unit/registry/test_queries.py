"""What references mean over a state, and what the errors say."""

from __future__ import annotations

import pytest

from modelyard.base.errors import InvalidReference, NotFound, StageEmpty, VersionNotFound
from modelyard.base.refs import Alias, Latest, Newest, Number, SemVer, Stage
from modelyard.registry import queries, verbs
from modelyard.registry.interface import ModelState
from modelyard.registry.memory import MemoryRegistry


def digest(number: int) -> str:
    return f"{number:064x}"


@pytest.fixture
def state() -> ModelState:
    """Twelve versions; 2 is v1.0.0 and champion, 3 is in prod, 12 deregistered, 1 registered last."""
    registry = MemoryRegistry()
    for number in range(1, 13):
        semver = "v1.0.0" if number == 2 else None
        verbs.register(registry, "churn", digest=digest(number), semver=semver)
    verbs.set_alias(registry, "churn", "champion", 2)
    verbs.set_alias(registry, "churn", "gone", 12)
    verbs.promote(registry, "churn", "prod", 3)
    verbs.deregister(registry, "churn", 12)
    verbs.deregister(registry, "churn", 1)
    verbs.register(registry, "churn", digest=digest(1))
    return registry.state("churn")


def test_every_selector(state: ModelState) -> None:
    meant = {
        Newest(): "1",
        Latest(): "11",
        Number(5): "5",
        SemVer("v1.0.0"): "2",
        Alias("champion"): "2",
        Stage("prod"): "3",
    }
    assert {which: queries.resolve(state, which).label for which in meant} == meant


ERRORS = [
    (Number(99), VersionNotFound, "no version 99 of 'churn'",
     "versions: …, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1; aliases: champion, gone"),
    (Number(12), VersionNotFound, "version 12 of 'churn' is deregistered",
     "register it again, or choose another; versions: …, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1; aliases: champion, gone"),
    (Alias("gone"), VersionNotFound, "version 12 of 'churn' is deregistered ('gone' points to it)", None),
    (SemVer("v1.0.1"), VersionNotFound, "no version v1.0.1 of 'churn'",
     "did you mean 'v1.0.0'?; versions: …, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1; aliases: champion, gone"),
    (Alias("champoin"), NotFound, "'churn' has no alias 'champoin'",
     "did you mean 'champion'?; versions: …, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1; aliases: champion, gone"),
    (Stage("prd"), StageEmpty, "nothing is in stage 'prd' of 'churn'",
     "did you mean 'prod'?; in use: prod (version 3)"),
]  # fmt: skip


@pytest.mark.parametrize(("which", "error", "message", "hint"), ERRORS)
def test_what_is_not_there(state, which, error, message, hint) -> None:
    with pytest.raises(error) as found:
        queries.resolve(state, which)
    assert type(found.value) is error
    assert found.value.message == message
    assert hint is None or found.value.hint == hint


def test_an_empty_model_says_so() -> None:
    registry = MemoryRegistry()
    with pytest.raises(NotFound, match="no model named 'churn'"):
        queries.resolve(registry.state("churn"), Newest())
    verbs.create(registry, "churn")
    for which in (Newest(), Latest()):
        with pytest.raises(
            VersionNotFound, match="'churn' has no version\nHint: register one first"
        ):
            queries.resolve(registry.state("churn"), which)
    verbs.register(registry, "churn", digest=digest(1))
    verbs.deregister(registry, "churn", 1)
    with pytest.raises(VersionNotFound, match="'churn' has no version\nHint: deregistered: 1"):
        queries.resolve(registry.state("churn"), Newest())


def test_a_deregistered_version_is_found_by_what_it_is_called(state: ModelState) -> None:
    assert queries.find(state, Number(12)).active is False
    with pytest.raises(VersionNotFound):
        queries.find(state, Alias("gone"))


def test_how_callers_name_a_version() -> None:
    said = [None, 3, "3", "v1.2.0", "latest", "champion", Stage("prod")]
    meant = [
        Newest(),
        Number(3),
        Number(3),
        SemVer("v1.2.0"),
        Latest(),
        Alias("champion"),
        Stage("prod"),
    ]
    assert [queries.selector(word) for word in said] == meant
    for word in ("", "v1", "007", "a/b", "1.2.0"):
        with pytest.raises(InvalidReference):
            queries.selector(word)


def test_where_a_version_is(state: ModelState) -> None:
    assert queries.stages_of(state, "3") == ["prod"]
    assert queries.aliases_of(state, "2") == ["champion"]
    assert queries.stages_of(state, "12") == []
    assert queries.resolve(state, queries.exactly(state.versions["5"])) is state.versions["5"]
