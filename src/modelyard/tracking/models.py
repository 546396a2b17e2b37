"""Logged models in the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from modelyard.base.clock import new_id, now_ms
from modelyard.base.errors import AlreadyExists, Conflict, NotFound
from modelyard.stores import tree
from modelyard.stores.rows.columns import prefix
from modelyard.tracking import experiments, runs, tables
from modelyard.tracking.checks import check_model_status
from modelyard.tracking.interface import MODEL_STATUSES, Context, LoggedModel, Metric
from modelyard.tracking.keys import Keys
from modelyard.tracking.reading import AT_ONCE, exactly, run_ids, texts
from modelyard.tracking.writing import Ids, write_params, write_tags

PENDING, READY, UPLOAD_FAILED = MODEL_STATUSES


def insert_model(
    connection: Connection,
    experiment_id: int,
    *,
    name: str,
    type: str,
    run_id: str | None,
    params: Mapping[str, str],
    tags: Mapping[str, str],
    ids: Ids,
    model_id: str | None = None,
    created_ms: int | None = None,
) -> str:
    """A new logged model, PENDING until its files are there; its id."""
    home = experiments.find(connection, experiment_id)
    if home is None:
        raise NotFound(f"no experiment with id {experiment_id}")
    if home.deleted_ms is not None:
        raise Conflict(
            f"experiment {home.name!r} is deleted", hint="restore it first", deleted=True
        )
    source = runs.locked(connection, run_id, active=False).id if run_id else None
    table, at_ms = tables.logged_models, now_ms()
    model_id = model_id or f"m-{new_id()}"
    if connection.execute(select(table.c.id).where(table.c.model_id == model_id)).first():
        raise AlreadyExists(f"there is a logged model with id {model_id} already")
    row = {
        "model_id": model_id,
        "experiment_id": experiment_id,
        "run_id": source,
        "name": name,
        "name_prefix": prefix(name),
        "type": type,
        "status": PENDING,
        "status_message": "",
        "created_ms": created_ms or at_ms,
        "updated_ms": at_ms,
        "active": True,
    }
    connection.execute(insert(table).values(row))
    number = locked(connection, model_id).id
    write_params(connection, tables.MODEL_PARAM, number, experiment_id, params, ids)
    write_tags(connection, tables.MODEL_TAG, number, experiment_id, dict(tags), ids)
    return model_id


def locked(connection: Connection, model_id: str, *, deleted: bool = False) -> Row[Any]:
    """The row of a logged model, held until the transaction ends. `NotFound`."""
    table = tables.logged_models
    query = select(table).where(table.c.model_id == model_id).with_for_update()
    row = connection.execute(query).first()
    if row is None or not (row.active or deleted):
        raise NotFound(f"no logged model with id {model_id!r}")
    return row


def change_model(
    connection: Connection,
    row: Row[Any],
    *,
    status: str | None,
    params: Mapping[str, str],
    tags: Mapping[str, str | None],
    ids: Ids,
) -> None:
    """Another status, more params, other tags."""
    write_params(connection, tables.MODEL_PARAM, row.id, row.experiment_id, params, ids)
    write_tags(connection, tables.MODEL_TAG, row.id, row.experiment_id, tags, ids)
    changed: dict[str, Any] = {"updated_ms": now_ms()}
    if check_model_status(status) is not None:
        changed["status"] = status
    mine = update(tables.logged_models).where(tables.logged_models.c.id == row.id)
    connection.execute(mine.values(changed))


def mark_deleted(connection: Connection, model_id: str) -> None:
    """Delete a logged model: it is found no more, its files stay until it is purged."""
    row, at_ms = locked(connection, model_id), now_ms()
    mine = update(tables.logged_models).where(tables.logged_models.c.id == row.id)
    connection.execute(mine.values(active=False, deleted_ms=at_ms, updated_ms=at_ms))


def purge(connection: Connection, model_id: str) -> None:
    """Remove a deleted logged model with its files. `Conflict` when it is not deleted."""
    row = locked(connection, model_id, deleted=True)
    if row.active:
        raise Conflict(f"logged model {model_id} is not deleted", hint="delete it first")
    pairs, links = tables.pairs, tables.run_models
    kinds = (tables.MODEL_PARAM, tables.MODEL_TAG)
    connection.execute(delete(pairs).where(pairs.c.kind.in_(kinds), pairs.c.owner_id == row.id))
    connection.execute(delete(links).where(links.c.model_id == row.id))
    tree.remove(connection, files_of_model(model_id), ())
    connection.execute(delete(tables.logged_models).where(tables.logged_models.c.id == row.id))


def files_of_model(model_id: str) -> str:
    """Who owns the files of a logged model, for `modelyard.stores.overlay.Artifacts`."""
    return f"model:{model_id}"


def read_models(connection: Connection, keys: Keys, row_ids: Sequence[int]) -> list[LoggedModel]:
    """The logged models of some rows, in that order."""
    found: dict[int, LoggedModel] = {}
    for i in range(0, len(row_ids), AT_ONCE):
        found |= _read(connection, keys, row_ids[i : i + AT_ONCE])
    return [found[number] for number in row_ids if number in found]


def _read(connection: Connection, keys: Keys, row_ids: Sequence[int]) -> dict[int, LoggedModel]:
    table = tables.logged_models
    rows = connection.execute(select(table).where(table.c.id.in_(row_ids))).all()
    params = texts(connection, keys, tables.MODEL_PARAM, row_ids)
    tags = texts(connection, keys, tables.MODEL_TAG, row_ids)
    metrics = _metrics(connection, keys, [row.model_id for row in rows])
    sources = run_ids(connection, rows)
    return {
        row.id: LoggedModel(
            model_id=row.model_id,
            experiment_id=row.experiment_id,
            name=row.name,
            type=row.type,
            run_id=sources.get(row.run_id),
            status=row.status,
            status_message=row.status_message,
            created_ms=row.created_ms,
            updated_ms=row.updated_ms,
            deleted_ms=row.deleted_ms,
            params=params.get(row.id, {}),
            tags=tags.get(row.id, {}),
            metrics=metrics.get(row.model_id, ()),
        )
        for row in rows
    }


def _metrics(
    connection: Connection, keys: Keys, model_ids: Sequence[str]
) -> dict[str, list[tuple[str, Metric]]]:
    """The latest points measured of some models, by key and data set."""
    contexts, table, runs = tables.metric_contexts, tables.metrics, tables.runs
    query = (
        select(contexts, table, runs.c.run_id.label("logged_by"))
        .join(table, table.c.context_id == contexts.c.id)
        .join(runs, runs.c.id == table.c.run_id)
        .where(contexts.c.model_id.in_(model_ids))
        .order_by(table.c.key_id, table.c.at_ms, table.c.step)
    )
    rows = connection.execute(query).all()
    called = keys.names(connection, {row.key_id for row in rows})
    found: dict[str, list[tuple[str, Metric]]] = {}
    for row in rows:
        context = Context(row.model_id, row.dataset_name, row.dataset_digest)
        value = exactly(row.value, row.value_bits)
        metric = Metric(called[row.key_id], value, row.at_ms, row.step, context)
        found.setdefault(row.model_id, []).append((row.logged_by, metric))
    return found
