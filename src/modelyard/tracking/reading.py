"""Runs from their rows: what was asked of them in a handful of queries, however many runs there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, select

from modelyard.stores.rows.columns import from_sortable_bits
from modelyard.tracking import tables
from modelyard.tracking.interface import Columns, Context, Input, Metric, ModelLink, Run, Status
from modelyard.tracking.keys import Keys

AT_ONCE = 500
"""Rows asked for in one query."""

Texts = dict[int, dict[str, str]]


def read_runs(
    connection: Connection, keys: Keys, row_ids: Sequence[int], columns: Columns
) -> list[Run]:
    """The runs of some rows, in that order; rows that are gone meanwhile are left out."""
    found: dict[int, Run] = {}
    for i in range(0, len(row_ids), AT_ONCE):
        found |= _read(connection, keys, row_ids[i : i + AT_ONCE], columns)
    return [found[number] for number in row_ids if number in found]


def _read(
    connection: Connection, keys: Keys, row_ids: Sequence[int], columns: Columns
) -> dict[int, Run]:
    rows = connection.execute(select(tables.runs).where(tables.runs.c.id.in_(row_ids))).all()
    params = texts(connection, keys, tables.RUN_PARAM, row_ids, columns.params)
    tags = texts(connection, keys, tables.RUN_TAG, row_ids, columns.tags)
    metrics = _metrics(connection, keys, row_ids, columns.metrics)
    inputs = _inputs(connection, row_ids) if columns.inputs else {}
    models = _models(connection, row_ids) if columns.inputs else {}
    parents = _run_ids(connection, {row.parent_id for row in rows if row.parent_id is not None})
    return {
        row.id: Run(
            run_id=row.run_id,
            experiment_id=row.experiment_id,
            name=row.name,
            status=Status(row.status),
            user=row.user,
            started_ms=row.started_ms,
            ended_ms=row.ended_ms,
            changed_ms=row.changed_ms,
            deleted_ms=row.deleted_ms,
            parent_run_id=parents.get(row.parent_id),
            metrics=metrics.get(row.id, ()),
            params=params.get(row.id, {}),
            tags=tags.get(row.id, {}),
            inputs=inputs.get(row.id, ()),
            model_inputs=models.get((row.id, False), ()),
            model_outputs=models.get((row.id, True), ()),
        )
        for row in rows
    }


def texts(
    connection: Connection,
    keys: Keys,
    kind: int,
    owners: Sequence[int],
    names: Sequence[str] | None = None,
) -> Texts:
    """Params or tags of some owners: owner -> key -> value, sorted by key."""
    found: Texts = {}
    for i in range(0, len(owners), AT_ONCE):
        where = f"kind = {kind} AND owner_id IN ({_numbers(owners[i : i + AT_ONCE])})"
        rows = _plain(connection, "owner_id, key_id, value", "my_pairs", where, keys, names)
        called = keys.names(connection, {row[1] for row in rows})
        decode = connection.dialect.name == "mysql"
        for owner, key_id, value in rows:
            found.setdefault(owner, {})[called[key_id]] = value.decode() if decode else value
    return {owner: dict(sorted(values.items())) for owner, values in found.items()}


def _metrics(
    connection: Connection, keys: Keys, row_ids: Sequence[int], names: Sequence[str] | None
) -> dict[int, list[Metric]]:
    columns = "run_id, key_id, context_id, value, value_bits, step, at_ms"
    where = f"latest AND run_id IN ({_numbers(row_ids)})"
    rows = _plain(connection, columns, "my_metrics", where, keys, names)
    called = keys.names(connection, {row[1] for row in rows})
    contexts = read_contexts(connection, {row[2] for row in rows})
    found: dict[int, list[Metric]] = {}
    for run, key_id, context, value, bits, step, at_ms in rows:
        exact = exactly(value, bits)
        metric = Metric(called[key_id], exact, at_ms, step, contexts[context])
        found.setdefault(run, []).append(metric)
    for metrics in found.values():
        metrics.sort(key=attrgetter("key"))
    return found


def _plain(
    connection: Connection, columns: str, table: str, where: str, keys: Keys, names: Sequence[str] | None
) -> list[Any]:  # fmt: skip
    """Rows as the driver gives them, of the keys that are asked for. A page of a hundred runs has thousands of them,
    and putting a statement and its rows together with all that SQLAlchemy knows took three quarters of the time. Only
    numbers that came from the database stand in the text."""
    if names is not None:
        wanted = keys.find(names).values()
        if not wanted:
            return []
        where += f" AND key_id IN ({_numbers(wanted)})"
    result = connection.exec_driver_sql(f"SELECT {columns} FROM {table} WHERE {where}")
    try:
        return list(result.cursor.fetchall())  # type: ignore[union-attr]
    finally:
        result.close()


def _numbers(numbers: Iterable[int]) -> str:
    return ",".join(map(str, map(int, numbers))) or "NULL"


def exactly(value: float | None, bits: int) -> float:
    """The number that the two columns hold: the readable one does wherever it says the same."""
    return value if value else from_sortable_bits(bits)


def read_contexts(connection: Connection, ids: Iterable[int]) -> Mapping[int, Context]:
    """What the numbers of contexts stand for; 0 is none."""
    found = {0: Context()}
    wanted = [number for number in set(ids) if number]
    table = tables.metric_contexts
    for i in range(0, len(wanted), AT_ONCE):
        query = select(table).where(table.c.id.in_(wanted[i : i + AT_ONCE]))
        for row in connection.execute(query):
            found[row.id] = Context(row.model_id, row.dataset_name, row.dataset_digest)
    return found


def _inputs(connection: Connection, row_ids: Sequence[int]) -> dict[int, list[Input]]:
    links, table = tables.run_inputs, tables.inputs
    query = select(links.c.run_id, links.c.tags, table).join(table, table.c.id == links.c.input_id)
    found: dict[int, list[Input]] = {}
    for row in connection.execute(query.where(links.c.run_id.in_(row_ids)).order_by(table.c.id)):
        said = Input(
            row.name, row.digest, row.source_type, row.source, row.schema, row.profile, row.tags
        )
        found.setdefault(row.run_id, []).append(said)
    return found


def _models(
    connection: Connection, row_ids: Sequence[int]
) -> dict[tuple[int, bool], list[ModelLink]]:
    links, table = tables.run_models, tables.logged_models
    query = select(links.c.run_id, links.c.output, links.c.step, table.c.model_id)
    joined = query.join(table, table.c.id == links.c.model_id).order_by(table.c.id)
    found: dict[tuple[int, bool], list[ModelLink]] = {}
    for row in connection.execute(joined.where(links.c.run_id.in_(row_ids))):
        found.setdefault((row.run_id, bool(row.output)), []).append(
            ModelLink(row.model_id, row.step)
        )
    return found


def _run_ids(connection: Connection, row_ids: set[int]) -> dict[int | None, str]:
    """The ids of runs by their rows."""
    if not row_ids:
        return {}
    query = select(tables.runs.c.id, tables.runs.c.run_id).where(tables.runs.c.id.in_(row_ids))
    return {row.id: row.run_id for row in connection.execute(query)}


def run_ids(connection: Connection, rows: Iterable[Row[Any]]) -> dict[int | None, str]:
    """The ids of the runs that some rows point to with ``run_id``."""
    return _run_ids(connection, {row.run_id for row in rows if row.run_id is not None})
