"""Searches of experiments, logged models, registered models and versions, and of runs by what was registered of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.databases import KINDS, open_new
from modelyard.base.errors import InvalidInput
from modelyard.registry import verbs
from modelyard.registry.search import (
    Wanted,
    count_models,
    count_versions,
    search_models,
    search_versions,
)
from modelyard.registry.sql import SqlRegistry
from modelyard.stores.rows import Database
from modelyard.tracking.interface import Batch, Context, Metric, Search, View
from modelyard.tracking.search.experiments import count_experiments
from modelyard.tracking.search.models import Dataset, ModelOrder
from modelyard.tracking.sql import SqlTracker

PROMPT = "tags.`mlflow.prompt.is_prompt` != 'true'"


@pytest.fixture(scope="module", params=KINDS)
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """Two experiments, two runs, three logged models, two registered models with three versions."""
    with open_new(request, tmp_path_factory) as opened:
        _fill_tracking(SqlTracker(opened))
        _fill_registry(opened)
        yield opened


RUNS = ("a" * 32, "b" * 32)


def _fill_tracking(tracker: SqlTracker) -> None:
    first = tracker.create_experiment("churn", tags={"team": "ana", "level": "3"})
    second = tracker.create_experiment("Fraud é")
    tracker.delete_experiment(tracker.create_experiment("gone").id)
    for run_id, value, experiment in zip(RUNS, (0.7, 0.9), (first, second), strict=True):
        tracker.create_run(experiment.id, run_id=run_id, name=f"run {value}")
        tracker.write(run_id, Batch(metrics=[Metric("acc", value, 1)]))
    made = [
        tracker.create_model(
            first.id, name=name, type=kind, run_id=RUNS[0], params={"depth": depth}, tags={"k": name}
        )
        for name, kind, depth in (("one", "sklearn", "3"), ("two", "xgboost", "10"), ("three", "sklearn", "x"))
    ]  # fmt: skip
    points = [
        (0, 0.5, "test", "d1"),
        (0, 0.9, "train", "d1"),
        (1, 0.8, "test", "d2"),
        (2, float("nan"), "", ""),
    ]
    for at, (index, value, dataset, digest) in enumerate(points):
        context = Context(made[index].model_id, dataset, digest)
        tracker.write(RUNS[0], Batch(metrics=[Metric("f1", value, at_ms=at, context=context)]))
    tracker.update_model(made[1].model_id, status="READY")


def _fill_registry(database: Database) -> None:
    registry = SqlRegistry(database)
    of_first = {"tags": {"k": "a", 'odd" key': "v"}, "run": RUNS[0]}
    registered = [("churn", of_first), ("churn", {"run": RUNS[1]}), ("fraud", {"tags": {"k": "b"}})]
    for number, (name, facts) in enumerate(registered):
        facts = {**facts, "source": f"s3://{name}"}
        verbs.register(registry, name, digest=str(number) * 64, facts=facts)
    verbs.set_alias(registry, "churn", "champion", 2)
    verbs.promote(registry, "churn", "prod", 1)
    verbs.describe(
        registry, "fraud", facts={"tags": {"mlflow.prompt.is_prompt": "true", "team": "x"}}
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["churn", "Default", "Fraud é"]),
        ("name = 'churn'", ["churn"]),
        ("attribute.name ILIKE 'FRAUD%'", ["Fraud é"]),
        ("tags.team = 'ana' AND tag.`level` > 2", ["churn"]),
        ("tags.team IS NULL", ["Default", "Fraud é"]),
        ("experiment_id IN ('0', '1')", ["churn", "Default"]),
        ("creation_time > 0 and last_update_time >= 1", ["churn", "Default", "Fraud é"]),
        ("name = 'gone'", []),
    ],
)
def test_experiments(database: Database, text: str, names: list[str]) -> None:
    found = SqlTracker(database).search_experiments(Search(text))
    assert sorted((e.name for e in found.items), key=str.lower) == names
    with database.read() as connection:
        assert count_experiments(connection, Search(text)) == (len(names), False)


def test_experiments_in_order_and_by_page(database: Database) -> None:
    tracker = SqlTracker(database)
    by_name = tracker.search_experiments(Search(order_by=["name DESC"], limit=2))
    assert [e.name for e in by_name.items] == ["churn", "Fraud é"]
    rest = tracker.search_experiments(Search(order_by=["name DESC"], limit=2, page=by_name.next))
    assert ([e.name for e in rest.items], rest.next) == (["Default"], None)
    deleted = tracker.search_experiments(Search(view=View.DELETED))
    assert [e.name for e in deleted.items] == ["gone"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["three", "two", "one"]),
        ("name LIKE 't%'", ["three", "two"]),
        ("model_type = 'sklearn' or status = 'READY'", ["three", "two", "one"]),
        ("attributes.status IN ('READY')", ["two"]),
        ("params.depth > 3", ["two"]),
        ("params.depth = '3' AND tags.k = 'one'", ["one"]),
        ("metrics.f1 >= 0.8", ["two", "one"]),
        ("metrics.f1 < 0.8", ["one"]),
        ("metrics.f1 IS NULL", []),
        (f"source_run_id = '{RUNS[0]}'", ["three", "two", "one"]),
        ("creation_timestamp > 0 and experiment_id = 1", ["three", "two", "one"]),
    ],
)
def test_logged_models(database: Database, text: str, names: list[str]) -> None:
    found = SqlTracker(database).search_models(Search(text, experiments=[1]))
    assert [m.name for m in found.items] == names


def test_logged_models_by_a_metric_on_a_data_set(database: Database) -> None:
    tracker = SqlTracker(database)

    def names(
        search: Search, *orders: ModelOrder, datasets: list[Dataset] | None = None
    ) -> list[str]:
        found = tracker.search_models(search, orders=orders, datasets=datasets or [])
        return [model.name for model in found.items]

    test, best = Dataset("test"), ModelOrder("metrics.f1", False, Dataset("test"))
    assert names(Search(), best) == ["two", "one", "three"]
    assert names(Search(), ModelOrder("metrics.f1", False)) == ["one", "two", "three"]
    assert names(Search(), ModelOrder("metrics.f1", True, Dataset("test", "d1"))) == [
        "one",
        "three",
        "two",
    ]
    assert names(Search(order_by=["name"]), ModelOrder("model_type")) == ["one", "three", "two"]
    assert names(Search(), datasets=[test]) == ["two", "one"]
    assert names(Search("metrics.f1 > 0.6"), datasets=[test]) == ["two"]
    assert names(Search(), datasets=[Dataset("train", "d2"), Dataset("test", "d2")]) == ["two"]
    first = tracker.search_models(Search(limit=1), orders=[best])
    assert names(Search(page=first.next), best) == ["one", "three"]
    with pytest.raises(InvalidInput, match="another search"):
        names(Search(page=first.next), ModelOrder("metrics.f1", False))


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("models.name = 'churn'", "ab"),
        ("models.alias = 'champion'", "b"),
        ("models.stage = 'prod'", "a"),
        ("models.version > 1", "b"),
        ("models.name LIKE 'fr%'", ""),
        ("models.name IS NULL", ""),
        ("not models.stage = 'prod' and metrics.acc > 0.1", "b"),
    ],
)
def test_runs_by_what_was_registered_of_them(database: Database, text: str, ids: str) -> None:
    found = SqlTracker(database).search(Search(text, order_by=["run_id"]))
    assert [run.run_id for run in found.items] == [letter * 32 for letter in ids]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("", "c1 c2 f1"),
        ("name = 'churn'", "c1 c2"),
        ("name = 'churn' and version_number > 1", "c2"),
        ("version = '1'", "c1 f1"),
        (f"run_id IN ('{RUNS[0]}', 'x')", "c1"),
        ("run_id IS NULL", "f1"),
        ("source_path LIKE 's3://fr%'", "f1"),
        ("tags.k = 'a'", "c1"),
        ("tags.k != 'a'", "f1"),
        ("tags.`odd\" key` = 'v'", "c1"),
        ("tags.k IS NULL", "c2"),
        ("alias = 'champion'", "c2"),
        ("stage = 'prod' or alias ~ 'CHAMP'", "c1 c2"),
        ("metrics.acc > 0.8", "c2"),
        ("metrics.acc IS NULL", "f1"),
        ("creation_timestamp > '2020-01-01' and last_updated_timestamp > 0", "c1 c2 f1"),
        (PROMPT, "c1 c2 f1"),
    ],
)
def test_versions(database: Database, text: str, labels: str) -> None:
    wanted = Wanted(text, ["name", "version_number ASC"])
    assert " ".join(_versions(database, wanted)) == labels
    with database.read() as connection:
        assert count_versions(connection, wanted) == (len(labels.split()), False)


def _versions(database: Database, wanted: Wanted) -> list[str]:
    from sqlalchemy import select

    from modelyard.registry.tables import models, versions

    with database.read() as connection:
        query = select(versions.c.id, models.c.name, versions.c.number).join_from(versions, models)
        names = {row.id: f"{row.name[0]}{row.number}" for row in connection.execute(query)}
        return [names[row] for row in search_versions(connection, wanted).ids]


def test_versions_in_order_and_by_page(database: Database) -> None:
    assert _versions(database, Wanted(order_by=["metrics.acc DESC"])) == ["c2", "c1", "f1"]
    assert _versions(database, Wanted(order_by=["tags.k DESC"])) == ["f1", "c1", "c2"]
    assert _versions(database, Wanted(order_by=["name DESC"])) == ["f1", "c2", "c1"]
    with database.read() as connection:
        page = search_versions(connection, Wanted(order_by=["metrics.acc DESC"], limit=1)).next
    assert _versions(database, Wanted(order_by=["metrics.acc DESC"], page=page)) == ["c1", "f1"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["churn", "fraud"]),
        ("name ILIKE 'FR%'", ["fraud"]),
        (PROMPT, ["churn"]),  # who lacks the tag is meant
        ("tags.`mlflow.prompt.is_prompt` = 'false'", ["churn"]),
        ("tags.`mlflow.prompt.is_prompt` = 'true'", ["fraud"]),
        ("tags.team != 'y'", ["fraud"]),  # who lacks any other tag is not
        ("tag.team = 'x' and " + PROMPT, []),
        ("alias = 'champion' or stage = 'x'", ["churn"]),
        ("creation_timestamp > 0", ["churn", "fraud"]),
    ],
)
def test_registered_models(database: Database, text: str, names: list[str]) -> None:
    from sqlalchemy import select

    from modelyard.registry.tables import models

    with database.read() as connection:
        by_id = dict(connection.execute(select(models.c.id, models.c.name)).all())
        assert [by_id[row] for row in search_models(connection, Wanted(text)).ids] == names
        assert count_models(connection, Wanted(text), 1) == (min(len(names), 1), len(names) > 1)
        down = search_models(connection, Wanted(text, ["name DESC"])).ids
        assert [by_id[row] for row in down] == names[::-1]


def test_an_unknown_field_of_a_version_is_told(database: Database) -> None:
    with database.read() as connection, pytest.raises(InvalidInput, match="unknown field params"):
        search_versions(connection, Wanted("params.x = '1'"))


def test_orders_for_programs_take_any_key(database: Database) -> None:
    odd = ModelOrder("metrics.a `odd' \"key", False)
    found = SqlTracker(database).search_models(Search(), orders=[odd, ModelOrder("status")])
    assert [model.name for model in found.items] == ["three", "one", "two"]
