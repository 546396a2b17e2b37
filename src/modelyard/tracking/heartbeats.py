"""Runs say that they are alive; one that should have and did not is lost, by the clock of the database's side (P9)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select, update

from modelyard.base.clock import now_ms
from modelyard.stores.rows.engine import Database
from modelyard.tracking import tables
from modelyard.tracking.interface import Status


def beat(connection: Connection, run_ids: Iterable[str], seconds: float) -> None:
    """The runs are alive for two times so many seconds more; one that was lost is RUNNING again."""
    table, at_ms = tables.runs, now_ms()
    until = at_ms + round(2000 * seconds)
    for run_id in dict.fromkeys(run_ids):
        mine = table.c.run_id == run_id, table.c.active
        going = table.c.status == Status.RUNNING.value
        alive = update(table).where(*mine, going).values(alive_until_ms=until)
        if connection.execute(alive).rowcount:
            continue
        back = {"status": Status.RUNNING.value, "alive_until_ms": until, "changed_ms": at_ms}
        lost = table.c.status == Status.LOST.value
        connection.execute(update(table).where(*mine, lost).values(back))


def look_for_lost(database: Database) -> None:
    """Runs that were silent for too long are LOST. Whoever reads runs looks first, so that nobody has to all the time."""
    with database.read() as connection:
        silent = connection.scalar(_silent(select(tables.runs.c.id)).limit(1)) is not None
    if silent:
        database.transact(_mark_lost)


def _mark_lost(connection: Connection) -> None:
    changed = {"status": Status.LOST.value, "alive_until_ms": None, "changed_ms": now_ms()}
    connection.execute(_silent(update(tables.runs)).values(changed))


def _silent(statement: Any) -> Any:
    table = tables.runs
    late = table.c.alive_until_ms < now_ms()
    return statement.where(late, table.c.status == Status.RUNNING.value)
