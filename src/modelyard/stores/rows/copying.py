"""Copy everything from one database into an empty one, of whatever kind: SQLite, PostgreSQL, MariaDB/MySQL.

Rows are read at one moment and written in one transaction, column type by column type, so nothing is rounded, cut or
lost, and a copy that breaks off leaves the target as empty as it was. Counters go along: an id that was given out
once is not given out again there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Row,
    Table,
    and_,
    func,
    insert,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy import Text as SqlText

from modelyard.base.errors import Conflict
from modelyard.stores.rows.columns import Blob, Json, RowId
from modelyard.stores.rows.engine import Database
from modelyard.stores.rows.schema import all_tables

ROWS_AT_ONCE = 500
BLOBS_AT_ONCE = 4
"""Rows of a table that holds chunks of a megabyte."""

Heard = Callable[[str, int], None]


def copy_rows(source: Database, target: Database, *, heard: Heard = lambda *_: None) -> int:
    """Copy all tables; returns how many rows. `Conflict` when the target has any. ``heard`` is told of each table."""
    tables = all_tables().sorted_tables
    with source.read() as reading:
        with target.write() as writing:
            for table in tables:
                _require_empty(writing, table, target)
            copied = {table.name: _copy_table(reading, writing, table) for table in tables}
        for table in tables:
            heard(table.name, copied[table.name])
        last = {table: _last_given(reading, table) for table in tables}
    for table, number in last.items():
        if number:
            _count_on(target, table, number)
    target.checkpoint()
    return sum(copied.values())


def _require_empty(connection: Connection, table: Table, target: Database) -> None:
    if connection.execute(select(*table.primary_key.columns).limit(1)).first() is not None:
        raise Conflict(f"{target.address.shown} is not empty", hint="name a new file or database")


def _copy_table(reading: Connection, writing: Connection, table: Table) -> int:
    copied, table = 0, _as_it_is(table)
    for rows in _pages(reading, table):
        writing.execute(insert(table), [dict(row._mapping) for row in rows])
        copied += len(rows)
    return copied


def _as_it_is(table: Table) -> Table:
    """The table with its JSON as plain text: read and written again, its keys would be sorted."""
    columns = [
        Column(c.name, SqlText() if isinstance(c.type, Json) else c.type, primary_key=c.primary_key)
        for c in table.c
    ]
    return Table(table.name, MetaData(), *columns)


def _pages(connection: Connection, table: Table) -> Iterator[Sequence[Row[Any]]]:
    """Rows by their primary key, so many at a time: a driver that is asked for all would hold all in memory."""
    size = BLOBS_AT_ONCE if any(isinstance(c.type, Blob) for c in table.c) else ROWS_AT_ONCE
    keys = list(table.primary_key.columns)
    query = select(table).order_by(*keys).limit(size)
    page = query
    while rows := connection.execute(page).all():
        yield rows
        page = query.where(_after(keys, [rows[-1]._mapping[key.name] for key in keys]))


def _after(keys: Sequence[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """The condition for what comes after a row, in the order of its keys."""
    (key, *others), (value, *rest) = keys, values
    if not others:
        return key > literal(value, key.type)
    value = literal(value, key.type)
    return or_(key > value, and_(key == value, _after(others, rest)))


# Counters


def _last_given(connection: Connection, table: Table) -> int:
    """The highest id that a table ever gave out; 0 for one that counts none."""
    keys = list(table.primary_key.columns)
    if len(keys) != 1 or not isinstance(keys[0].type, RowId):
        return 0
    highest = connection.scalar(select(func.max(keys[0]))) or 0
    said = {"name": table.name}
    match connection.dialect.name:
        case "sqlite" if table.dialect_options["sqlite"]["autoincrement"]:
            query = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
            return max(highest, connection.scalar(query, said) or 0)
        case "postgresql":
            query = text(f"SELECT pg_get_serial_sequence('{table.name}', '{keys[0].name}')")
            sequence = connection.scalar(query)
            query = text(f"SELECT is_called, last_value FROM {sequence}")
            called, last = connection.execute(query).one()
            return max(highest, last if called else 0)
        case "mysql":
            query = text(
                "SELECT AUTO_INCREMENT FROM information_schema.TABLES"
                " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = :name"
            )
            return max(highest, (connection.scalar(query, said) or 1) - 1)
    return highest


def _count_on(target: Database, table: Table, last: int) -> None:
    """Let a table's counter go on after the last id that was given out where it came from."""
    key = next(iter(table.primary_key.columns)).name
    said = {"name": table.name, "last": last}
    with target.write() as connection:
        if target.dialect == "postgresql":
            sequence = f"pg_get_serial_sequence('{table.name}', '{key}')"
            connection.execute(text(f"SELECT setval({sequence}, :last)"), {"last": last})
        elif target.dialect == "mysql":
            connection.execute(text(f"ALTER TABLE `{table.name}` AUTO_INCREMENT = {last + 1}"))
        elif table.dialect_options["sqlite"]["autoincrement"]:
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), said)
            query = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)")
            connection.execute(query, said)
