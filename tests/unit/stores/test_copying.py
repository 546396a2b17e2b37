"""A database is copied into another, of any kind to any kind, with nothing lost."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from modelyard.base.errors import Conflict
from modelyard.predictions.interface import Prediction, PredictionQuery
from modelyard.predictions.sql import SqlPredictionLog
from modelyard.registry import verbs
from modelyard.registry.sql import SqlRegistry
from modelyard.stores.rows import Database, connect
from modelyard.stores.rows.copying import copy_rows
from modelyard.stores.rows.schema import all_tables
from modelyard.stores.sql import SqlStore
from modelyard.testing.tracker_bench import EDGES, ODD_FLOATS, ODD_TEXTS
from modelyard.tracking.interface import Batch, Context, Input, Metric, ModelLink
from modelyard.tracking.sql import SqlTracker
from servers import mariadb, postgres

Make = Callable[[], Database]
OTHERS = [
    pytest.param("postgres", marks=pytest.mark.postgres),
    pytest.param("mariadb", marks=pytest.mark.mariadb),
]


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Database]:
    def new(kind: str) -> Database:
        name = f"copy_{secrets.token_hex(6)}"
        if kind == "sqlite":
            return connect(tmp_path / f"{name}.db")
        server = request.getfixturevalue(f"{kind}_server")
        if kind == "postgres":
            with postgres(server) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            return connect(f"postgresql://postgres@/{name}?host={server}")
        with mariadb(server) as connection:
            connection.cursor().execute(f"CREATE DATABASE {name}")
        return connect(f"mysql://root@localhost/{name}?unix_socket={server}")

    return new


def fill(database: Database) -> None:
    """Something in most tables, odd values among it."""
    tracker, registry = SqlTracker(database), SqlRegistry(database)
    model = tracker.create_model(0, name="m", params={"p": "1"})
    metrics = [Metric("m", v, EDGES[i % 4], i) for i, v in enumerate(ODD_FLOATS)]
    of = Metric("m", 1, 1, 99, Context(model.model_id, "iris"))
    run = tracker.create_run(0, tags={"a": "b"})
    texts = {f"k{i}": text for i, text in enumerate(ODD_TEXTS)}
    tracker.write(
        run.run_id,
        Batch(
            [*metrics, of],
            texts,
            inputs=[Input("i", "d")],
            model_outputs=[ModelLink(model.model_id)],
        ),
        once="k",
    )
    for content in ("a", "b"):
        verbs.register(registry, "churn", digest=content * 64, facts={"x": [1.5, None, "é"]})
    verbs.promote(registry, "churn", "prod")
    verbs.set_alias(registry, "churn", "champion", 1)
    verbs.register(registry, "gone", digest="c" * 64)
    verbs.delete_model(registry, "gone")
    asked = {"z": 1, "a": [None, "é"]}
    SqlPredictionLog(database).record([Prediction(1, "churn@1", "predict", "r", 0, "x", asked)])
    SqlStore(database).put(io.BytesIO(bytes(range(256)) * 10_000))


def everything(database: Database) -> dict[str, list[Any]]:
    with database.read() as connection:
        return {
            table.name: [
                tuple(repr(value) for value in row)
                for row in connection.execute(select(table).order_by(*table.primary_key.columns))
            ]
            for table in all_tables().sorted_tables
        }


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("sqlite", "sqlite"),
        pytest.param("sqlite", "postgres", marks=pytest.mark.postgres),
        pytest.param("postgres", "mariadb", marks=[pytest.mark.postgres, pytest.mark.mariadb]),
        pytest.param("mariadb", "sqlite", marks=pytest.mark.mariadb),
    ],
)
def test_nothing_is_lost(make, first: str, second: str) -> None:
    with make(first) as source, make(second) as target:
        fill(source)
        copied = copy_rows(source, target)
        before, after = everything(source), everything(target)
        for name, rows in before.items():
            assert after[name] == rows, name
        (prediction,) = SqlPredictionLog(target).list(PredictionQuery())
        assert list(prediction.inputs) == ["z", "a"]
        assert copied == sum(map(len, before.values())) > 40
        # the counters go on: nobody gets the id of what was deleted
        for database in (source, target):
            verbs.register(SqlRegistry(database), "next", digest="d" * 64)
            SqlTracker(database).create_run(0)
        for name in ("my_models", "my_versions", "my_events", "my_runs"):
            assert [row[0] for row in everything(source)[name]] == [
                row[0] for row in everything(target)[name]
            ]
        with pytest.raises(Conflict, match="is not empty"):
            copy_rows(source, target)


def test_a_copy_that_breaks_off_leaves_nothing(make, monkeypatch: pytest.MonkeyPatch) -> None:
    from modelyard.stores.rows import copying

    with make("sqlite") as source, make("sqlite") as target:
        fill(source)
        real, left = copying._copy_table, [10]

        def fails_later(*arguments: Any) -> int:
            left[0] -= 1
            if not left[0]:
                raise RuntimeError("the plug is pulled")
            return real(*arguments)

        monkeypatch.setattr(copying, "_copy_table", fails_later)
        with pytest.raises(RuntimeError):
            copy_rows(source, target)
        assert not any(everything(target).values())
        monkeypatch.undo()
        copy_rows(source, target)
        assert everything(target) == everything(source)
