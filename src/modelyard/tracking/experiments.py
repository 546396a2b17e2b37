"""Experiments in the tables: made, found, renamed, deleted and restored with their runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from modelyard.base.clock import now_ms
from modelyard.base.errors import AlreadyExists, Conflict, InvalidInput, NotFound
from modelyard.stores.rows.upsert import upsert
from modelyard.tracking import tables
from modelyard.tracking.interface import DEFAULT_EXPERIMENT, Experiment
from modelyard.tracking.keys import Keys
from modelyard.tracking.reading import texts
from modelyard.tracking.writing import Ids, write_tags

DEFAULT_NAME = "Default"


def found_default(connection: Connection) -> None:
    """See that experiment 0 is there."""
    at_ms = now_ms()
    row = {"id": DEFAULT_EXPERIMENT, "name": DEFAULT_NAME, "artifact_location": ""}
    row |= {"created_ms": at_ms, "updated_ms": at_ms, "deleted_ms": None}
    upsert(connection, tables.experiments, [row], keys=["id"])


def locked(connection: Connection, experiment_id: int) -> Row[Any]:
    """The row of an experiment, held until the transaction ends. `NotFound`."""
    query = select(tables.experiments).where(tables.experiments.c.id == experiment_id)
    row = connection.execute(query.with_for_update()).first()
    if row is None:
        raise NotFound(f"no experiment with id {experiment_id}")
    return row


def insert_experiment(
    connection: Connection,
    name: str,
    location: str,
    tags: Mapping[str, str],
    ids: Ids,
    wanted: int | None = None,
) -> int:
    """A new experiment. `AlreadyExists` when the name is taken, or the id that is wanted."""
    if wanted is not None and find(connection, wanted) is not None:
        raise AlreadyExists(f"there is an experiment with id {wanted} already")
    there = find(connection, name)
    if there is not None:
        gone = there.deleted_ms is not None
        raise AlreadyExists(
            f"there is an experiment {name!r} already" + (", deleted" if gone else ""),
            hint="restore or purge it, or choose another name" if gone else None,
            deleted=gone,
        )
    at_ms = now_ms()
    row: dict[str, Any] = {"name": name, "artifact_location": location}
    row |= {"created_ms": at_ms, "updated_ms": at_ms}
    if wanted is not None:
        row["id"] = wanted
    try:
        # In a savepoint, so that a server goes on with the transaction for the message.
        with connection.begin_nested():
            made = connection.execute(insert(tables.experiments).values(row))
    except IntegrityError:
        raise AlreadyExists(f"there is an experiment {name!r} already") from None
    number = int(made.inserted_primary_key[0])  # type: ignore[index]
    if wanted is not None and connection.dialect.name == "postgresql":
        _count_past(connection, wanted)
    write_tags(connection, tables.EXPERIMENT_TAG, number, number, dict(tags), ids)
    return number


def _count_past(connection: Connection, number: int) -> None:
    """PostgreSQL's counter does not see an id that it did not give out itself."""
    sequence = func.pg_get_serial_sequence("my_experiments", "id")
    highest = func.greatest(number, func.nextval(sequence) - 1)
    connection.execute(select(func.setval(sequence, highest)))


def find(connection: Connection, which: int | str) -> Row[Any] | None:
    """The row of an id or a name."""
    table = tables.experiments
    mine = table.c.id == which if isinstance(which, int) else table.c.name == which
    return connection.execute(select(table).where(mine)).first()


def rename(connection: Connection, experiment_id: int, name: str) -> None:
    """Another name. `AlreadyExists` when it is taken."""
    there = find(connection, name)
    if there is not None and there.id != experiment_id:
        raise AlreadyExists(f"there is an experiment {name!r} already")
    mine = update(tables.experiments).where(tables.experiments.c.id == experiment_id)
    try:
        with connection.begin_nested():
            connection.execute(mine.values(name=name, updated_ms=now_ms()))
    except IntegrityError:
        raise AlreadyExists(f"there is an experiment {name!r} already") from None


def touch(connection: Connection, experiment_id: int) -> None:
    """Note that it was changed now."""
    mine = update(tables.experiments).where(tables.experiments.c.id == experiment_id)
    connection.execute(mine.values(updated_ms=now_ms()))


def remove(connection: Connection, experiment_id: int) -> None:
    """Mark an experiment and its active runs as deleted, at one and the same moment."""
    row = locked(connection, experiment_id)
    if experiment_id == DEFAULT_EXPERIMENT:
        raise InvalidInput("the experiment Default cannot be deleted")
    if row.deleted_ms is not None:
        return
    at_ms = now_ms()
    _mark(connection, experiment_id, at_ms, at_ms)
    runs = tables.runs
    mine = update(runs).where(runs.c.experiment_id == experiment_id, runs.c.active)
    connection.execute(mine.values(active=False, deleted_ms=at_ms, changed_ms=at_ms))


def restore(connection: Connection, experiment_id: int) -> None:
    """Bring back an experiment and those runs that went with it."""
    row = locked(connection, experiment_id)
    if row.deleted_ms is None:
        return
    at_ms = now_ms()
    _mark(connection, experiment_id, None, at_ms)
    runs = tables.runs
    with_it = (runs.c.experiment_id == experiment_id, runs.c.deleted_ms == row.deleted_ms)
    back = update(runs).where(*with_it)
    connection.execute(back.values(active=True, deleted_ms=None, changed_ms=at_ms))


def _mark(
    connection: Connection, experiment_id: int, deleted_ms: int | None, updated_ms: int
) -> None:
    mine = update(tables.experiments).where(tables.experiments.c.id == experiment_id)
    connection.execute(mine.values(deleted_ms=deleted_ms, updated_ms=updated_ms))


def forget(connection: Connection, experiment_id: int) -> None:
    """Remove a deleted experiment without runs and logged models for good; its name is free again."""
    row = locked(connection, experiment_id)
    if row.deleted_ms is None:
        raise Conflict(f"experiment {row.name!r} is not deleted", hint="delete it first")
    for table in (tables.runs, tables.logged_models):
        mine = select(table.c.id).where(table.c.experiment_id == experiment_id).limit(1)
        if connection.execute(mine).first() is not None:
            raise Conflict(f"experiment {row.name!r} has runs or models", hint="purge them first")
    pairs = tables.pairs
    tags = (pairs.c.kind == tables.EXPERIMENT_TAG, pairs.c.owner_id == experiment_id)
    connection.execute(delete(pairs).where(*tags))
    inputs = tables.inputs
    connection.execute(delete(inputs).where(inputs.c.experiment_id == experiment_id))
    mine = tables.experiments.c.id == experiment_id
    connection.execute(delete(tables.experiments).where(mine))


def read_experiments(
    connection: Connection, keys: Keys, rows: Sequence[Row[Any]]
) -> list[Experiment]:
    """The experiments of some rows, with their tags."""
    tags = texts(connection, keys, tables.EXPERIMENT_TAG, [row.id for row in rows])
    return [
        Experiment(
            id=row.id,
            name=row.name,
            created_ms=row.created_ms,
            updated_ms=row.updated_ms,
            deleted_ms=row.deleted_ms,
            artifact_location=row.artifact_location,
            tags=tags.get(row.id, {}),
        )
        for row in rows
    ]
