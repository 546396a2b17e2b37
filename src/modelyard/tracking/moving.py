"""Move runs to another experiment, and copy one: rows are rewritten, files are not copied but named again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, insert, literal, select, update

from modelyard.base.clock import new_id, now_ms
from modelyard.base.errors import Conflict, NotFound
from modelyard.stores import tree
from modelyard.tracking import experiments, runs, tables
from modelyard.tracking.interface import Input
from modelyard.tracking.writing import write_inputs

_RUN_PAIRS = (tables.RUN_PARAM, tables.RUN_TAG)


def move(connection: Connection, run_ids: Sequence[str], experiment_id: int) -> None:
    """Runs, with all they logged, into another experiment; nested ones only when they are named."""
    _require_home(connection, experiment_id)
    rows = [r for r in runs.require(connection, run_ids) if r.experiment_id != experiment_id]
    mine = [row.id for row in rows]
    if not mine:
        return
    pairs, changed = tables.pairs, {"experiment_id": experiment_id}
    theirs = and_(pairs.c.kind.in_(_RUN_PAIRS), pairs.c.owner_id.in_(mine))
    connection.execute(update(pairs).where(theirs).values(changed))
    metrics = tables.metrics
    connection.execute(update(metrics).where(metrics.c.run_id.in_(mine)).values(changed))
    moved = update(tables.runs).where(tables.runs.c.id.in_(mine))
    connection.execute(moved.values(**changed, changed_ms=now_ms()))
    for row in rows:
        _bring_inputs(connection, row.id, runs.locked(connection, row.run_id, active=False))


def copy(connection: Connection, run_id: str, experiment_id: int) -> str:
    """A second run with everything the first logged, its files too; its id."""
    _require_home(connection, experiment_id)
    source = runs.locked(connection, run_id)
    again = new_id()
    row = {name: value for name, value in source._mapping.items() if name != "id"}
    row |= {"run_id": again, "experiment_id": experiment_id, "changed_ms": now_ms()}
    connection.execute(insert(tables.runs).values(row))
    target = runs.locked(connection, again)
    there = {"experiment_id": experiment_id}
    pairs = tables.pairs
    params_and_tags = and_(pairs.c.kind.in_(_RUN_PAIRS), pairs.c.owner_id == source.id)
    _copy_rows(connection, pairs, params_and_tags, {"owner_id": target.id, **there})
    for table, fixed in (
        (tables.metrics, {**there, "loose": 0, "packed_to": 0}),
        (tables.metric_segments, {}),
        (tables.run_models, {}),
    ):
        mine = table.c.run_id == source.id
        _copy_rows(connection, table, mine, {"run_id": target.id, **fixed})
    _bring_inputs(connection, source.id, target)
    tree.duplicate(connection, runs.files_of_run(run_id), (), runs.files_of_run(again), ())
    return again


def _require_home(connection: Connection, experiment_id: int) -> None:
    home = experiments.find(connection, experiment_id)
    if home is None:
        raise NotFound(f"no experiment with id {experiment_id}")
    if home.deleted_ms is not None:
        raise Conflict(f"experiment {home.name!r} is deleted", hint="restore it first")


def _copy_rows(connection: Connection, table: Table, mine: Any, fixed: Mapping[str, Any]) -> None:
    """Insert the rows again with some columns set, inside the database."""
    kept = [c for c in table.c if c.name not in fixed and c.name != "id"]
    columns = [*kept, *(table.c[name] for name in fixed)]
    values = [*kept, *(_literal(table, name, value) for name, value in fixed.items())]
    query = select(*values).where(mine)
    if "id" in table.c:
        query = query.order_by(table.c.id)
    connection.execute(insert(table).from_select([c.name for c in columns], query))


def _literal(table: Table, name: str, value: Any) -> Any:
    return literal(value, table.c[name].type)


def _bring_inputs(connection: Connection, source: int, target: Row[Any]) -> None:
    """The data sets of a run's row as those of another's experiment."""
    links, table = tables.run_inputs, tables.inputs
    query = select(table, links.c.tags).join(links, links.c.input_id == table.c.id)
    rows = connection.execute(query.where(links.c.run_id == source)).all()
    if source == target.id:
        connection.execute(links.delete().where(links.c.run_id == source))
    inputs = [
        Input(r.name, r.digest, r.source_type, r.source, r.schema, r.profile, r.tags) for r in rows
    ]
    if inputs:
        write_inputs(connection, target, inputs)
