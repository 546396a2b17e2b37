"""What MLflow kept comes over whole and once, from a database made by hand; the stock client's own is in tests/frameworks."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    MetaData,
    Table,
    Text,
    create_engine,
    insert,
    text,
)

from hub_cases.server import hub_thread
from mlflow_database import (
    CHILD,
    GOING,
    GONE,
    LATER,
    LONG,
    MODEL,
    NEW,
    OLD,
    PARENT,
    SPARE,
    Tables,
    more,
    team,
    write,
)
from mlflow_server import serving
from modelyard.base.errors import FileMissing, ForeignSchema, NotFound, Unreachable
from modelyard.cli.program import program
from modelyard.compat._mlflow.migrating import migrate
from modelyard.compat._mlflow.report import Report
from modelyard.stores.rows.address import parse
from modelyard.tracking.interface import Status
from modelyard.yard.yard import Yard


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    made = team(tmp_path / "theirs")
    yield made
    made.close()


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    with Yard(tmp_path / "yard.db") as yard:
        yield yard


def counts(report: Report) -> dict[str, tuple[int, int, int]]:
    return {kind: (c.new, c.changed, c.unchanged) for kind, c in report.counts.items()}


def test_everything_comes_over_and_both_sides_are_the_same(tables: Tables, yard: Yard) -> None:
    report = migrate(str(tables.path), yard, verify=True)
    assert (report.failures, report.differences) == ({}, [])
    assert counts(report) == {
        "experiments": (2, 0, 1),
        "runs": (5, 0, 0),
        "logged models": (2, 0, 0),
        "files": (6, 0, 0),
        "registered models": (1, 0, 0),
        "versions": (2, 0, 0),
    }
    tracker = yard.tracker
    run = tracker.run(PARENT)
    assert (run.name, run.user, run.started_ms, run.ended_ms) == ("run 1", "ann", 1000, 2000)
    assert run.experiment_id == tracker.experiment("churn").id == 1
    assert (run.params, run.tags["why"]) == ({"depth": "3"}, "because")
    assert [(i.name, i.tags) for i in run.inputs] == [("ages", {"mlflow.data.context": "training"})]
    assert [(k.model_id, k.step) for k in run.model_outputs] == [(MODEL, 3)]
    odd = [m.value for m in tracker.history(PARENT, "odd").items]
    assert odd[:5] == [1.0, math.inf, -math.inf, 5e-324, 0.30000000000000004]
    assert math.isnan(odd[5])
    assert run.metrics[0].context.model_id == MODEL
    assert tracker.run(CHILD).parent_run_id == PARENT
    assert len(tracker.history(LONG, "curve").items) == 3000
    assert tracker.run(LONG).status is Status.FAILED
    assert tracker.run(GOING).status is Status.RUNNING
    assert tracker.run(GONE).deleted_ms is not None
    assert tracker.experiment(7).deleted_ms is not None
    model = tracker.model(MODEL)
    assert (model.status, model.created_ms, model.run_id) == ("READY", 5, PARENT)
    with pytest.raises(NotFound):
        tracker.model(SPARE)
    with yard.artifacts.open(f"model:{MODEL}", "data/w.bin") as stream:
        assert stream.read() == b"weights"
    state = yard.models.registry.state("churn model")
    assert (list(state.versions), state.aliases) == (["1", "3"], {"champion": "3"})
    assert {a.stage: a.version for a in state.assignments} == {"Archived": "1", "Production": "3"}
    tags = state.versions["3"].facts["tags"]
    assert (tags["n"], tags["migrated.created_by"]) == ("3", "bob")
    assert {note for note in report.notes if "traces" in note} == {"1 traces are not copied"}


def test_a_second_migration_brings_what_is_new_and_nothing_twice(
    tables: Tables, yard: Yard
) -> None:
    migrate(str(tables.path), yard)
    again = migrate(str(tables.path), yard)
    assert counts(again)["runs"] == (0, 0, 5)
    assert sum(new + changed for new, changed, _ in counts(again).values()) == 0
    more(tables)
    report = migrate(str(tables.path), yard, verify=True)
    assert (report.failures, report.differences) == ({}, [])
    assert counts(report)["runs"] == (1, 1, 4)
    assert yard.tracker.run(GOING).ended_ms == 4000
    assert yard.artifacts.stat(f"run:{LATER}", "new.txt") is not None
    assert yard.models.registry.state("churn model").aliases == {"champion": "1"}


DAMAGE = {
    "a param": ("UPDATE my_pairs SET value = '4' WHERE value = '3' AND kind = 1", "param 'depth' is '4', not '3'"),
    "a run": (f"UPDATE my_runs SET name = 'x' WHERE run_id = '{CHILD}'", "name is 'x', not 'run 2'"),
    "a file": ("DELETE FROM my_artifacts WHERE name = 'b.json'", "file 'b.json' is missing"),
    "an end": (f"UPDATE my_runs SET status = 'KILLED' WHERE run_id = '{LONG}'", "status is <Status.KILLED"),
    "a tag": ("DELETE FROM my_pairs WHERE value = 'because'", "tag 'why' is missing"),
    "a deletion": (f"UPDATE my_logged_models SET active = 1, deleted_ms = NULL WHERE model_id = '{SPARE}'", "it is not deleted"),
    "a series": ("DELETE FROM my_metrics WHERE points = 3000", "metric 'curve': 3000 points are missing"),
    "a link": ("DELETE FROM my_run_models", "model output"),
}  # fmt: skip


def test_comparing_names_what_was_damaged(tables: Tables, yard: Yard) -> None:
    assert migrate(str(tables.path), yard).good
    for statement, _ in DAMAGE.values():
        with yard.database.write() as connection:
            assert connection.execute(text(statement)).rowcount == 1
    report = migrate(str(tables.path), yard, dry_run=True, verify=True)
    found = report.differences or []
    for what, (_, told) in DAMAGE.items():
        assert sum(told in line for line in found) == 1, (what, found)
    assert len(found) == len(DAMAGE)
    assert not report.good


def test_an_old_database_is_read_by_the_columns_it_has(tmp_path: Path, yard: Yard) -> None:
    old = Tables(tmp_path / "old.db", OLD)
    old.add("experiments", experiment_id=3, name="first", lifecycle_stage="active")
    old.run(PARENT, 3, name=None)
    old.add("tags", key="mlflow.runName", value="by its tag", run_uuid=PARENT)
    for at_ms, value in ((1, 0.5), (2, 0.25)):
        old.add("metrics", key="loss", value=value, timestamp=at_ms, run_uuid=PARENT)
    old.keep()
    old.close()
    report = migrate(f"sqlite:///{tmp_path / 'old.db'}", yard, verify=True)
    assert (report.failures, report.differences) == ({}, [])
    run = yard.tracker.run(PARENT)
    assert (run.name, run.experiment_id, run.metrics[0].value) == ("by its tag", 3, 0.25)


@pytest.mark.parametrize("server", ["postgres_uri", "mariadb_uri"])
def test_a_database_server_is_read_the_same(
    server: str, tables: Tables, yard: Yard, request: pytest.FixtureRequest
) -> None:
    uri = request.getfixturevalue(server)
    _copied(tables, uri)
    report = migrate(uri, yard, artifacts=[str(tables.root)], verify=True)
    assert (report.failures, report.differences) == ({}, [])
    assert counts(report)["runs"] == (5, 0, 0)
    assert yard.models.registry.state("churn model").aliases == {"champion": "3"}


def _copied(tables: Tables, uri: str) -> None:
    """The same rows in a database server, typed by what they hold."""
    known = MetaData()
    engine = create_engine(parse(uri).url)
    for name, columns in NEW.items():
        rows = [dict(zip(columns.split(), row, strict=True)) for row in tables.rows(name)]
        for row in rows:
            row.update({"is_nan": bool(row["is_nan"])} if "is_nan" in row else {})
        made = Table(name, known, *(Column(c, _type(rows, c)) for c in columns.split()))
        with engine.begin() as connection:
            made.create(connection)
            if rows:
                connection.execute(insert(made), rows)
    engine.dispose()


def _type(rows: list[dict[str, Any]], column: str) -> Any:
    values = [row[column] for row in rows if row[column] is not None] or [""]
    if isinstance(values[0], str):
        return Text()
    return Boolean() if column == "is_nan" else Double() if "value" in column else BigInteger()


def test_places_that_nobody_allowed_are_not_opened(
    tables: Tables, yard: Yard, tmp_path: Path
) -> None:
    secret = tmp_path / "elsewhere" / "secret"
    write(secret, "passwd", "root")
    (tables.root / "link").symlink_to(secret)
    for number, place in enumerate((f"file://{secret}", str(tables.root / "link"), f"{tables.root}/../../elsewhere/secret", "s3://theirs/x")):  # fmt: skip
        tables.run(f"{number:031x}f", artifact_uri=place)
    tables.keep()
    report = migrate(str(tables.path), yard)
    assert not yard.artifacts.stores.stat(_digest(b"root"))
    told = [why for subject, why in report.failures.items() if subject.startswith("run:")]
    assert len(told) == 3
    assert all("below no root of artifacts" in why and "--artifacts" in why for why in told)
    allowed = migrate(str(tables.path), yard, artifacts=[str(secret)], dry_run=True, verify=True)
    assert any("file 'passwd' is missing" in line for line in allowed.differences or ())


def _digest(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def test_what_is_no_source_is_said(tmp_path: Path, yard: Yard) -> None:
    (tmp_path / "empty.db").touch()
    with pytest.raises(ForeignSchema, match="no tracking database"):
        migrate(str(tmp_path / "empty.db"), yard)
    with pytest.raises(FileMissing, match="no such file"):
        migrate(f"sqlite:///{tmp_path}/nothing.db", yard)
    with pytest.raises(Unreachable) as caught:
        migrate("postgresql://ann:hunter2@127.0.0.1:1/mlflow", yard)
    assert "hunter2" not in str(caught.value)


def test_names_of_experiments_choose(tables: Tables, yard: Yard) -> None:
    report = migrate(str(tables.path), yard, experiments=["churn"], verify=True)
    assert report.differences == []
    assert report.counts["registered models"].found == 0
    with pytest.raises(NotFound):
        yard.tracker.experiment("old")
    with pytest.raises(NotFound, match="no experiment 'chrun' over there"):
        migrate(str(tables.path), yard, experiments=["chrun"])


def test_an_id_that_is_taken_is_mapped(tables: Tables, yard: Yard) -> None:
    assert yard.tracker.create_experiment("ours").id == 1
    report = migrate(str(tables.path), yard, verify=True)
    assert report.differences == []
    theirs = yard.tracker.experiment("churn")
    assert theirs.id != 1
    assert theirs.tags["migrated.experiment_id"] == "1"


def test_the_command_says_what_it_did(tables: Tables, tmp_path: Path) -> None:
    words = ["migrate", "mlflow", str(tables.path), "--to", str(tmp_path / "new.db"), "--verify"]
    dry = CliRunner().invoke(program(), [*words[:-1], "--dry-run", "--json"])
    assert dry.exit_code == 0, dry.output
    assert json.loads(dry.stdout)["counts"][1]["new"] == 5
    done = CliRunner().invoke(program(), words)
    assert done.exit_code == 0, done.output
    assert "both sides are the same" in done.stderr
    with Yard(tmp_path / "new.db") as yard, yard.database.write() as connection:
        connection.execute(text("UPDATE my_runs SET name = 'x'"))
    damaged = CliRunner().invoke(program(), [*words, "--dry-run"])
    assert damaged.exit_code == 1
    assert "name is 'x', not 'run 1'" in damaged.stderr


KILLED = """
import os, signal, sys
from modelyard.stores.rows import engine
left = int(sys.argv[3])
plain = engine.Database.transact
def transact(self, function):
    global left
    left -= 1
    done = plain(self, function) if left else None
    if left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
engine.Database.transact = transact
from modelyard.compat._mlflow import telling
telling.RECORDS = 3
telling.PART = 700
from modelyard.compat._mlflow.migrating import migrate
from modelyard.yard.yard import Yard
with Yard(sys.argv[2]) as yard:
    migrate(sys.argv[1], yard)
"""


def test_a_migration_that_is_killed_goes_on_and_nothing_is_doubled(
    tables: Tables, tmp_path: Path
) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    target = tmp_path / "yard.db"
    after = random.Random(seed).randrange(4, 35)
    words = [sys.executable, "-c", KILLED, str(tables.path), str(target), str(after)]
    done = subprocess.run(words, env=dict(os.environ), timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL
    with Yard(target) as yard:
        report = migrate(str(tables.path), yard, verify=True)
        assert (report.failures, report.differences) == ({}, [])
        with yard.database.read() as connection:
            points = connection.execute(text("SELECT sum(points) FROM my_metrics")).scalar()
        assert points == 3007
        assert list(yard.models.registry.state("churn model").versions) == ["1", "3"]


def test_a_hub_takes_the_same(tables: Tables, tmp_path: Path) -> None:
    with Yard(tmp_path / "yard.db"):
        pass
    with hub_thread(tmp_path / "yard.db") as url, Yard(url) as remote:
        first = migrate(str(tables.path), remote, verify=True)
        assert (first.failures, first.differences) == ({}, [])
        more(tables)
        second: Any = migrate(str(tables.path), remote, verify=True)
        assert (second.failures, second.differences) == ({}, [])
        assert counts(second)["runs"] == (1, 1, 4)


def test_a_server_is_read_through_its_rest(tables: Tables, yard: Yard, tmp_path: Path) -> None:
    migrate(str(tables.path), yard)
    with serving(yard) as client, Yard(tmp_path / "second.db") as second:
        report = migrate(str(client.http.base_url), second, verify=True)
        assert (report.failures, report.differences) == ({}, [])
        assert counts(report)["runs"] == (5, 0, 0)
        assert second.tracker.run(CHILD).parent_run_id == PARENT
        assert second.artifacts.stat(f"model:{MODEL}", "data/w.bin") is not None
        assert [k.model_id for k in second.tracker.run(PARENT).model_outputs] == [MODEL]
