"""The SQL registry's own promises: pages, few queries, row ids that links can trust, events of other things."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from modelyard.base.errors import VersionNotFound
from modelyard.base.events import Draft, Kind
from modelyard.registry import sql, verbs
from modelyard.registry.sql import (
    SqlRegistry,
    append,
    version_of_row,
    version_row_id,
    version_row_ids,
)
from modelyard.stores.rows import Database, connect
from modelyard.testing.registries import digest


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Database]:
    with connect(tmp_path / "yard.db") as database:
        yield database


def test_pages_join_without_gap_or_repeat(yard, monkeypatch) -> None:
    monkeypatch.setattr(sql, "EVENTS_A_PAGE", 3)
    monkeypatch.setattr(sql, "MODELS_A_PAGE", 2)
    registry = SqlRegistry(yard)
    for number in range(6):
        verbs.register(registry, f"m{number % 4}", digest=digest(number))
    assert [state.name for state in registry.states()] == ["m0", "m1", "m2", "m3"]
    assert [e.seq for e in registry.events()] == list(range(1, 11))
    assert [e.seq for e in registry.events(after=4)] == list(range(5, 11))
    assert [e.kind for e in registry.events("m0")] == [
        Kind.MODEL_CREATED,
        Kind.VERSION_REGISTERED,
        Kind.VERSION_REGISTERED,
    ]


def test_the_number_of_queries_does_not_grow_with_the_models(yard) -> None:
    registry = SqlRegistry(yard)
    statements: list[str] = []
    event.listen(yard.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    counts = []
    for name in ("a", "b", "c", "d"):
        for number in range(3):
            verbs.register(registry, name, digest=digest(number))
        verbs.promote(registry, name, "prod")
        verbs.set_alias(registry, name, "best")
        statements.clear()
        assert all(len(state.versions) == 3 for state in registry.states())
        assert registry.state(name).aliases == {"best": "3"}
        counts.append(sum(statement.startswith("SELECT") for statement in statements))
    assert counts == [8, 8, 8, 8]


def test_rows_of_versions(yard) -> None:
    registry = SqlRegistry(yard)
    verbs.register(registry, "iris", digest=digest(0))
    for number in range(3):
        verbs.register(registry, "churn", digest=digest(number), semver=f"v0.0.{number}")
    rows = version_row_ids(yard, "churn")
    assert list(rows) == [("churn", "1"), ("churn", "2"), ("churn", "3")]
    second = rows["churn", "2"]
    assert second == version_row_id(yard, "churn", "2") == version_row_id(yard, "churn", "v0.0.1")
    assert version_of_row(yard, second) == ("churn", "2")
    verbs.rename(registry, "churn", "leavers")
    assert version_row_ids(yard, "leavers")["leavers", "2"] == second
    assert len(version_row_ids(yard)) == 4
    assert version_of_row(yard, second) == ("leavers", "2")
    for missing in (("churn", "2"), ("leavers", "7"), ("leavers", "v9.0.0")):
        with pytest.raises(VersionNotFound):
            version_row_id(yard, *missing)


def test_a_row_of_a_deleted_version_is_not_given_again(yard) -> None:
    registry = SqlRegistry(yard)
    verbs.register(registry, "churn", digest=digest(0))
    verbs.register(registry, "churn", digest=digest(1))
    gone = version_row_id(yard, "churn", "2")
    verbs.delete_version(registry, "churn", 2)
    verbs.register(registry, "churn", digest=digest(2))
    assert version_row_id(yard, "churn", "3") > gone
    with pytest.raises(VersionNotFound):
        version_of_row(yard, gone)
    verbs.delete_model(registry, "churn")
    verbs.register(registry, "churn", digest=digest(0))
    assert version_row_id(yard, "churn", "1") > gone + 1


def test_events_of_other_things_stand_among_the_models(yard) -> None:
    registry = SqlRegistry(yard)
    verbs.register(registry, "iris", digest=digest(0))
    with yard.write() as connection:
        (added,) = append(
            connection, [Draft(Kind.DATASET_REGISTERED, "dataset:iris", after={"version": 1})]
        )
    assert list(registry.events())[-1] == added
    assert added not in registry.events("iris")
    assert registry.state("iris").seq < added.seq


def test_an_event_that_is_undone_leaves_no_trace_but_a_number(yard) -> None:
    def fail() -> None:
        with yard.write() as connection:
            append(connection, [Draft(Kind.DATASET_DELETED, "dataset:iris")])
            raise RuntimeError("undo")

    with pytest.raises(RuntimeError, match="undo"):
        fail()
    assert list(SqlRegistry(yard).events()) == []
