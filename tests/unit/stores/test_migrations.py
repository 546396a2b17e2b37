"""One tree of migrations: it makes exactly the tables of all folders, once, whoever comes and whoever dies (P13)."""

from __future__ import annotations

import ast
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Inspector, inspect, text

from modelyard.base.errors import NewerSchema
from modelyard.stores.rows import Database, connect, migrate, migrations
from modelyard.stores.rows.migrations import write
from modelyard.stores.rows.schema import all_tables
from unit.stores import workers
from unit.stores.conftest import Start


def structure(database: Database) -> dict[str, Any]:
    """All there is to know about our tables, as the server tells it."""
    with database.read() as connection:
        inspector = inspect(connection)
        names = sorted(set(inspector.get_table_names()) - {migrate.SCHEMA_TABLE})
        return {name: table_structure(inspector, name) for name in names}


def table_structure(inspector: Inspector, name: str) -> dict[str, Any]:
    def ordered(entries: list[Any]) -> list[str]:
        return sorted(map(str, entries))

    return {
        "columns": [
            str(column | {"type": repr(column["type"])}) for column in inspector.get_columns(name)
        ],
        "key": str(inspector.get_pk_constraint(name)),
        "unique": ordered(inspector.get_unique_constraints(name)),
        "indexes": ordered(inspector.get_indexes(name)),
        "references": ordered(inspector.get_foreign_keys(name)),
        "checks": ordered(inspector.get_check_constraints(name)),
    }


def structure_of_tables(database: Database) -> dict[str, Any]:
    """The same after making the tables in the code directly, in place of the migrated ones."""
    tables = all_tables()
    with database.write() as connection:
        tables.drop_all(connection)
        tables.create_all(connection)
    return structure(database)


def test_a_migrated_database_has_the_tables_of_all_folders(database: Database) -> None:
    with database.read() as connection:
        assert migrate.recorded(connection) == migrate.HEAD
    migrated = structure(database)
    assert "my_blobs" in migrated
    assert migrated == structure_of_tables(database)


def test_the_first_revision_is_written_from_the_tables() -> None:
    """Until the first release. Fails after a change of a table: run the recipe in the package's docstring."""
    written = Path(write.__file__).with_name("r0001.py").read_text()
    assert ast.dump(ast.parse(written)) == ast.dump(ast.parse(write.first_revision(all_tables())))


def test_every_table_has_the_prefix() -> None:
    assert [name for name in all_tables().tables if not name.startswith("my_")] == []


def test_one_of_eight_processes_migrates(database_uri: str, start: Start) -> None:
    openers = [start(workers.open_once, database_uri) for _ in range(8)]
    for opener in openers:
        assert opener.hear() == "ready"
    for opener in openers:
        opener.tell("go")
    made = [opener.hear() for opener in openers]
    tables = len(all_tables().tables)
    assert sorted(made) == [0] * 7 + [tables]


@pytest.mark.parametrize("after", [1, 2, 5, 20, None])
def test_a_killed_migration_is_finished_by_the_next(
    database_uri: str, start: Start, after: int | None
) -> None:
    dying = start(workers.open_and_die, database_uri, after)
    assert dying.all_it_said() == ([] if after else ["survived"])
    assert dying.exit_code == (-signal.SIGKILL if after else 0)
    with connect(database_uri) as database:
        assert database.integrity() == []
        assert structure(database) == structure_of_tables(database)


def test_a_newer_schema_is_refused(database_uri: str) -> None:
    with connect(database_uri) as database, database.write() as connection:
        connection.execute(text("UPDATE my_schema SET revision = '0999'"))
    for migrating in (True, False):
        with pytest.raises(NewerSchema, match="schema 0999"):
            connect(database_uri, migrate=migrating)


@pytest.fixture
def next_revision(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A revision after the newest; what it did is in the list."""
    done: list[str] = []

    def upgrade(op: Any) -> None:
        done.append("0999")
        op.execute("CREATE TABLE my_later (id INTEGER)")

    module = f"{migrations.__name__}.r0999"
    monkeypatch.setitem(sys.modules, module, SimpleNamespace(upgrade=upgrade))  # type: ignore[misc]
    return done


def test_an_older_schema_is_brought_up_to_date(
    database_uri: str, next_revision: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(database_uri).close()
    monkeypatch.setattr(migrate, "REVISIONS", (*migrations.REVISIONS, "0999"))
    monkeypatch.setattr(migrate, "HEAD", "0999")
    with connect(database_uri, migrate=False) as database, database.read() as connection:
        assert migrate.recorded(connection) == "0001"
    for _ in range(2):
        with connect(database_uri) as database, database.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM my_later")).scalar() == 0
            assert migrate.recorded(connection) == "0999"
    assert next_revision == ["0999"]
