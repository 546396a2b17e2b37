"""Runs in the tables: made, changed, deleted, restored and purged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from modelyard.base.clock import new_id, now_ms
from modelyard.base.errors import AlreadyExists, Conflict, InvalidInput, NotFound
from modelyard.stores import tree
from modelyard.stores.rows.columns import prefix
from modelyard.tracking import experiments, tables
from modelyard.tracking.interface import ENDED, Status
from modelyard.tracking.naming import run_name

_LOCKED = select(tables.runs).where(tables.runs.c.run_id == bindparam("wanted")).with_for_update()


def locked(connection: Connection, run_id: str, *, active: bool = True) -> Row[Any]:
    """The row of a run, held until the transaction ends. `NotFound`; `Conflict` for a deleted one."""
    row = find(connection, run_id)
    if row is None:
        raise NotFound(f"no run with id {run_id!r}")
    return required_active(row) if active else row


def find(connection: Connection, run_id: str) -> Row[Any] | None:
    """The row of a run, held until the transaction ends, deleted ones too; None when it is not there."""
    return connection.execute(_LOCKED, {"wanted": run_id}).first()


def required_active(row: Row[Any]) -> Row[Any]:
    """The row of a run itself; `Conflict` when it is deleted."""
    if not row.active:
        raise Conflict(f"run {row.run_id} is deleted", hint="restore it first", deleted=True)
    return row


def insert_run(
    connection: Connection,
    experiment_id: int,
    *,
    run_id: str | None,
    name: str,
    user: str,
    started_ms: int | None,
    parent_run_id: str | None,
) -> Row[Any]:
    """A new run, RUNNING. It may be nested in one of any experiment."""
    home = experiments.find(connection, experiment_id)
    if home is None:
        raise NotFound(f"no experiment with id {experiment_id}")
    if home.deleted_ms is not None:
        raise Conflict(
            f"experiment {home.name!r} is deleted", hint="restore it first", deleted=True
        )
    run_id = run_id or new_id()
    if connection.execute(select(tables.runs.c.id).where(tables.runs.c.run_id == run_id)).first():
        raise AlreadyExists(f"there is a run with id {run_id} already")
    parent = locked(connection, parent_run_id, active=False).id if parent_run_id else None
    at_ms, name = now_ms(), name or run_name()
    row = {
        "run_id": run_id,
        "experiment_id": experiment_id,
        "parent_id": parent,
        "name": name,
        "name_prefix": prefix(name),
        "status": Status.RUNNING.value,
        "user": user,
        "started_ms": at_ms if started_ms is None else started_ms,
        "changed_ms": at_ms,
        "active": True,
    }
    connection.execute(insert(tables.runs).values(row))
    return locked(connection, run_id)


def change_run(
    connection: Connection,
    row: Row[Any],
    *,
    status: Status | None,
    ended_ms: int | None,
    name: str | None,
) -> None:
    """Another status, end or name. A run that ends without saying when ends now; one that runs again has no end."""
    changed: dict[str, Any] = {"changed_ms": now_ms()}
    if status is not None:
        changed["status"] = status.value
        if status is not Status.RUNNING:
            changed["alive_until_ms"] = None
        if status in ENDED:
            ended_ms = ended_ms if ended_ms is not None else row.ended_ms or now_ms()
        else:
            changed |= {"ended_ms": None, "duration_ms": None}
    if ended_ms is not None:
        changed |= {"ended_ms": ended_ms, "duration_ms": ended_ms - row.started_ms}
    if name:
        changed |= {"name": name, "name_prefix": prefix(name)}
    connection.execute(update(tables.runs).where(tables.runs.c.id == row.id).values(changed))


def mark_deleted(connection: Connection, run_ids: Sequence[str], *, deleted: bool) -> None:
    """Delete or restore runs; one that is so already stays as it is. `NotFound` when one is not there."""
    require(connection, run_ids)
    runs, at_ms = tables.runs, now_ms()
    changed = {"active": not deleted, "deleted_ms": at_ms if deleted else None, "changed_ms": at_ms}
    mine = update(runs).where(runs.c.run_id.in_(run_ids), runs.c.active == deleted)
    connection.execute(mine.values(changed))


def require(connection: Connection, run_ids: Sequence[str]) -> list[Row[Any]]:
    """The rows of runs, held until the transaction ends. `NotFound` when one is not there."""
    runs = tables.runs
    if len(run_ids) > 1000:
        raise InvalidInput(f"{len(run_ids)} runs at once; at most 1000")
    query = select(runs).where(runs.c.run_id.in_(run_ids)).order_by(runs.c.id).with_for_update()
    rows = connection.execute(query).all()
    if missing := set(run_ids) - {row.run_id for row in rows}:
        raise NotFound(f"no run with id {min(missing)!r}")
    return list(rows)


def purge(connection: Connection, run_ids: Sequence[str]) -> None:
    """Remove deleted runs with all they logged, files too. `Conflict` when one is not deleted."""
    rows = require(connection, run_ids)
    for row in rows:
        if row.active:
            raise Conflict(f"run {row.run_id} is not deleted", hint="delete it first")
    mine = [row.id for row in rows]
    pairs = tables.pairs
    kinds = (tables.RUN_PARAM, tables.RUN_TAG)
    connection.execute(delete(pairs).where(pairs.c.kind.in_(kinds), pairs.c.owner_id.in_(mine)))
    for table in (tables.metrics, tables.metric_segments, tables.run_inputs, tables.run_models):
        connection.execute(delete(table).where(table.c.run_id.in_(mine)))
    for row in rows:
        tree.remove(connection, files_of_run(row.run_id), ())
    for table, column in (tables.runs, "parent_id"), (tables.logged_models, "run_id"):
        pointing = table.c[column].in_(mine)
        connection.execute(update(table).where(pointing).values({column: None}))
    connection.execute(delete(tables.runs).where(tables.runs.c.id.in_(mine)))


def files_of_run(run_id: str) -> str:
    """Who owns the files of a run, for `modelyard.stores.overlay.Artifacts`."""
    return f"run:{run_id}"
