"""Insert rows or update those that are there: one statement that every database spells in its own way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Executable, Table


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    keys: Sequence[str],
    update: Sequence[str] = (),
) -> None:
    """Insert the rows. One whose ``keys`` are there already changes that row's ``update`` columns, or nothing when
    there are none. On a server it waits for another transaction that is inserting the same."""
    if rows:
        statement = _statement(connection.dialect.name, table, tuple(keys), tuple(update))
        connection.execute(statement, rows)


@cache
def _statement(
    dialect: str, table: Table, keys: tuple[str, ...], update: tuple[str, ...]
) -> Executable:
    """Made once: putting one together costs more than running it."""
    if dialect == "mysql":
        from sqlalchemy.dialects import mysql

        mine = mysql.insert(table)
        changed = {name: mine.inserted[name] for name in update} or {keys[0]: table.c[keys[0]]}
        return mine.on_duplicate_key_update(changed)
    insert = _insert(dialect, table)
    if not update:
        return insert.on_conflict_do_nothing(index_elements=list(keys))
    changed = {name: insert.excluded[name] for name in update}
    return insert.on_conflict_do_update(index_elements=list(keys), set_=changed)


def _insert(dialect: str, table: Table) -> Any:
    # A dialect is loaded by who has such a database.
    if dialect == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)
