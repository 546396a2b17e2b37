"""Runs that are told whole, as imports and migrations tell them: a batch of them is written table by table, not run by
run, which costs a tenth. What a run is afterwards is the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select

from modelyard.base.clock import now_ms
from modelyard.stores.rows.columns import prefix
from modelyard.tracking import tables
from modelyard.tracking.interface import ENDED, Input, Metric, Status
from modelyard.tracking.metrics import new_series
from modelyard.tracking.naming import run_name
from modelyard.tracking.records import Record, RunBegun, RunEnded, RunLogged
from modelyard.tracking.writing import Ids, new_pair, write_inputs

_AT_ONCE = 500


@dataclass(slots=True)
class Whole:
    """All that is told of a run."""

    begun: RunBegun
    tags: dict[str, str]
    params: dict[str, str] = field(default_factory=dict[str, str])
    metrics: list[Metric] = field(default_factory=list[Metric])
    inputs: list[Input] = field(default_factory=list[Input])
    ended: RunEnded | None = None


class _Run(NamedTuple):
    """What is written to, as a row of runs has it."""

    id: int
    experiment_id: int


def told_whole(records: Iterable[Record | None]) -> dict[str, Whole]:
    """Runs that begin here, and of which nothing is told that depends on what else there is."""
    found: dict[str, Whole] = {}
    others: set[str] = set()
    for record in records:
        if not isinstance(record, RunBegun | RunLogged | RunEnded):
            continue
        run_id = record.run_id
        if isinstance(record, RunBegun):
            plain = not (run_id in found or record.resumed or record.parent_run_id)
            if plain:
                found[run_id] = Whole(record, dict(record.tags))
        else:
            plain = run_id in found and _add(found[run_id], record)
        if not plain:
            others.add(run_id)
    return {run_id: whole for run_id, whole in found.items() if run_id not in others}


def _add(whole: Whole, record: RunLogged | RunEnded) -> bool:
    """Take in what is told; False when that is not plain."""
    if whole.ended is not None:
        return False
    if isinstance(record, RunEnded):
        whole.ended = record
        return True
    batch = record.batch
    if batch.model_inputs or batch.model_outputs:
        return False
    if any(whole.params.get(key, value) != value for key, value in batch.params.items()):
        return False
    for key, value in batch.tags.items():
        if value is None:
            return False
        whole.tags[key] = value
    whole.params.update(batch.params)
    whole.metrics.extend(batch.metrics)
    whole.inputs.extend(batch.inputs)
    return True


def write(connection: Connection, whole: Mapping[str, Whole], ids: Ids, homes: Mapping[str, int]) -> Collection[str]:  # fmt: skip
    """Write those that are not there, into experiments that are; returns their ids."""
    new = _writable(connection, whole, homes)
    if not new:
        return ()
    at_ms = now_ms()
    rows = [_row(one, home, at_ms) for one, home in new.values()]
    connection.execute(insert(tables.runs), rows)
    numbers = dict(_found(connection, list(new)))
    pairs: list[dict[str, Any]] = []
    segments: list[dict[str, Any]] = []
    latest: list[dict[str, Any]] = []
    contexts: dict[Any, int] = {}
    for run_id, (one, home) in new.items():
        run = _Run(numbers[run_id], home)
        for kind, texts in ((tables.RUN_PARAM, one.params), (tables.RUN_TAG, one.tags)):
            pairs += [new_pair(kind, run.id, home, ids[k], value) for k, value in texts.items()]
        if one.metrics:
            more, rows = new_series(connection, run, one.metrics, ids, contexts)
            segments += more
            latest += rows
        if one.inputs:
            write_inputs(connection, run, one.inputs)
    for table, told in (
        (tables.pairs, pairs),
        (tables.metric_segments, segments),
        (tables.metrics, latest),
    ):
        if told:
            connection.execute(insert(table), told)
    return new.keys()


def _writable(
    connection: Connection, whole: Mapping[str, Whole], homes: Mapping[str, int]
) -> dict[str, tuple[Whole, int]]:
    there = {run_id for run_id, _ in _found(connection, list(whole))}
    table = tables.experiments
    living = set(connection.scalars(select(table.c.id).where(table.c.deleted_ms.is_(None))))
    found: dict[str, tuple[Whole, int]] = {}
    for run_id, one in whole.items():
        named = one.begun.experiment
        home = homes[named] if isinstance(named, str) else named
        if run_id not in there and home in living:
            found[run_id] = one, home
    return found


def _found(connection: Connection, run_ids: Sequence[str]) -> Iterable[tuple[str, int]]:
    table = tables.runs
    query = select(table.c.run_id, table.c.id)
    for at in range(0, len(run_ids), _AT_ONCE):
        mine = query.where(table.c.run_id.in_(run_ids[at : at + _AT_ONCE]))
        yield from ((row.run_id, row.id) for row in connection.execute(mine))


def _row(one: Whole, home: int, at_ms: int) -> dict[str, Any]:
    begun, ended = one.begun, one.ended
    name, started = begun.name or run_name(), begun.at_ms or at_ms
    status = Status.RUNNING if ended is None else ended.status
    end = (ended.at_ms or at_ms) if ended is not None and status in ENDED else None
    return {
        "run_id": begun.run_id,
        "experiment_id": home,
        "parent_id": None,
        "name": name,
        "name_prefix": prefix(name),
        "status": status.value,
        "user": begun.user,
        "started_ms": started,
        "ended_ms": end,
        "duration_ms": None if end is None else end - started,
        "changed_ms": at_ms,
        "active": True,
    }
