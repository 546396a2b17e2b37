"""Bring a database to the schema of this version: one migrator at a time, and a killed one is finished by the next.

The table ``my_schema`` has one row, the newest revision that is complete. When it is `HEAD`, nothing else is looked
at and Alembic is not imported. SQLite and PostgreSQL run a migration in one transaction; MySQL commits every step by
itself, so there each step first looks whether it is done already, and the row is written last.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from modelyard.base.errors import ForeignSchema, NewerSchema, NotFound, Overloaded
from modelyard.stores.rows.faults import faults_named
from modelyard.stores.rows.migrations import REVISIONS

if TYPE_CHECKING:
    from modelyard.stores.rows.engine import Database

HEAD = REVISIONS[-1]
SCHEMA_TABLE = "my_schema"

_KNOWN_STRANGERS = {
    "MLflow": ({"alembic_version", "experiments", "runs"}, "modelyard migrate mlflow URI"),
    "mlops-lite": ({"dataset_registry", "deployable_registry"}, "modelyard migrate mlopslite URI"),
}
_LOCK = 7_735_002
"""The number of the advisory lock; any number will do, as long as all of us take the same."""
_PATIENCE = 300
"""Seconds to wait for another migrator."""


def settle(database: Database, *, create: bool, migrate: bool) -> None:
    """See that the database is ours and of this version: set it up, bring it up to date, or refuse it."""
    with database.read() as connection:
        revision = _judged(connection, database.address.shown, create=create)
    if revision != HEAD and migrate:
        upgrade(database)


def _judged(connection: Connection, shown: str, *, create: bool) -> str | None:
    """The recorded revision, or None for a database without tables."""
    # One look: between two, somebody else's migration may have made its first table.
    tables = set(inspect(connection).get_table_names())
    if SCHEMA_TABLE not in tables:
        _refuse_strangers(tables, shown)
        if not create:
            raise NotFound(f"{shown} is empty: no yard was made there")
        return None
    revision = recorded(connection)
    if revision is not None and revision not in REVISIONS:
        raise NewerSchema(
            f"{shown} was written by a newer modelyard (schema {revision}, this one knows {HEAD})",
            hint="pip install --upgrade modelyard",
        )
    return revision


def _refuse_strangers(tables: set[str], shown: str) -> None:
    for program, (marks, command) in _KNOWN_STRANGERS.items():
        if marks <= tables:
            raise ForeignSchema(
                f"{shown} is a database of {program}", hint=f"bring it over with: {command}"
            )
    if tables:
        raise ForeignSchema(
            f"{shown} belongs to another program (it has the table {min(tables)!r})",
            hint="use a file or database of its own",
        )


def recorded(connection: Connection) -> str | None:
    """The newest complete revision, or None when the first one was never finished."""
    return connection.execute(text(f"SELECT revision FROM {SCHEMA_TABLE}")).scalar()


def upgrade(database: Database) -> None:
    """Apply the revisions that are missing. Safe to call from many processes at once."""
    with _alone(database) as connection:
        connection.execute(
            text(f"CREATE TABLE IF NOT EXISTS {SCHEMA_TABLE} (revision VARCHAR(32) NOT NULL)")
        )
        done = recorded(connection)
        for revision in REVISIONS[REVISIONS.index(done) + 1 if done else 0 :]:
            _apply(connection, revision)
    database.checkpoint()


def _apply(connection: Connection, revision: str) -> None:
    from alembic.migration import MigrationContext

    from modelyard.stores.rows.migrations.steps import Steps

    step = import_module(f"modelyard.stores.rows.migrations.r{revision}")
    step.upgrade(Steps(MigrationContext.configure(connection)))
    connection.execute(text(f"DELETE FROM {SCHEMA_TABLE}"))
    connection.execute(
        text(f"INSERT INTO {SCHEMA_TABLE} (revision) VALUES (:revision)"), {"revision": revision}
    )


@contextlib.contextmanager
def _alone(database: Database) -> Iterator[Connection]:
    """A connection for the only migrator: others wait at the door, and find the work done."""
    if database.dialect == "mysql":
        with faults_named(database.address), _named_lock(database.engine) as connection:
            yield connection
        return
    with database.write() as connection:  # SQLite's IMMEDIATE is the lock
        if database.dialect == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        yield connection


@contextlib.contextmanager
def _named_lock(engine: Engine) -> Iterator[Connection]:
    """MySQL: a lock that the server gives back when its holder dies."""
    with engine.connect() as raw:
        connection = raw.execution_options(isolation_level="AUTOCOMMIT")
        name = text("SELECT GET_LOCK(CONCAT(DATABASE(), '.my_schema'), :seconds)")
        if connection.execute(name, {"seconds": _PATIENCE}).scalar() != 1:
            raise Overloaded("another process has been migrating this database for minutes")
        try:
            yield connection
        finally:
            connection.execute(text("SELECT RELEASE_LOCK(CONCAT(DATABASE(), '.my_schema'))"))
