"""Records that other processes tell, carried out in one transaction that also notes how far their spool came.

The number is what makes it happen once: who sends the same again, from this machine or another, finds that the spool is
further already, and goes on from there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any

from sqlalchemy import Connection, Row, select, update

from modelyard.base.clock import now_ms
from modelyard.base.errors import InvalidInput, NotFound
from modelyard.base.names import LOGGED_MODEL
from modelyard.base.paths import artifact_segments
from modelyard.stores import tree
from modelyard.stores.interface import Blob
from modelyard.stores.putting import checked
from modelyard.stores.rows.columns import prefix
from modelyard.stores.rows.upsert import upsert
from modelyard.tracking import fresh, models, moving, runs, tables
from modelyard.tracking.checks import (
    check_experiment_name,
    check_key,
    check_model_status,
    check_run_id,
    check_texts,
)
from modelyard.tracking.interface import Status
from modelyard.tracking.records import (
    FileAdded,
    ModelBegun,
    ModelEnded,
    ModelRegistered,
    Record,
    RunBegun,
    RunEnded,
    RunLogged,
)
from modelyard.tracking.writing import Ids, write_batch, write_tags

_SPOOL = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_OF_RUNS = (RunBegun, RunLogged, RunEnded)
Numbered = Sequence[tuple[int, Record | None]]


def checked_spool(spool: str) -> str:
    """A spool's id, or `InvalidInput`."""
    if not _SPOOL.fullmatch(spool):
        raise InvalidInput(
            f"{spool[:120]!r} is not a spool's id", hint="1 to 100 of A-Z a-z 0-9 _ . : -"
        )
    return spool


def check(after: int, records: Numbered) -> None:
    """Refuse what no tracker can carry out, before anything is asked of one."""
    last = after
    for number, record in records:
        if number <= last:
            raise InvalidInput(f"record {number} comes after {last}", hint="numbers rise")
        last = number
        if record is not None:
            _check(record)


@singledispatch
def _check(record: Any) -> None:
    raise InvalidInput(f"{type(record).__name__} is no record")


@_check.register
def _(record: RunBegun) -> None:
    check_run_id(record.run_id)
    if record.parent_run_id is not None:
        check_run_id(record.parent_run_id)
    if isinstance(record.experiment, str):
        check_experiment_name(record.experiment)
    check_texts(record.tags, "tag")


@_check.register
def _(record: RunLogged) -> None:
    check_run_id(record.run_id)
    for key in {metric.key for metric in record.batch.metrics}:
        check_key(key)
    check_texts(record.batch.params, "param")
    check_texts(record.batch.tags, "tag")


@_check.register
def _(record: RunEnded) -> None:
    check_run_id(record.run_id)


@_check.register
def _(record: FileAdded) -> None:
    kind, _, which = record.owner.partition(":")
    if kind == "run":
        check_run_id(which)
    elif kind != "model" or not LOGGED_MODEL.fullmatch(which):
        raise InvalidInput(f"{record.owner[:80]!r} cannot own files; as in run:<id>")
    artifact_segments(record.path)
    checked(record.sha256)


@_check.register
def _(record: ModelBegun) -> None:
    _check_model(record.model_id)
    if record.run_id is not None:
        check_run_id(record.run_id)
    check_texts(record.params, "param")
    check_texts(record.tags, "tag")


@_check.register
def _(record: ModelEnded) -> None:
    _check_model(record.model_id)
    check_model_status(record.status)


@_check.register
def _(record: ModelRegistered) -> None:
    _check_model(record.model_id)


def _check_model(model_id: str) -> None:
    if not LOGGED_MODEL.fullmatch(model_id):
        raise InvalidInput(f"{model_id[:80]!r} is not the id of a logged model")


def keys_of(records: Numbered) -> set[str]:
    """Keys of metrics, params and tags that the records name."""
    found: set[str] = set()
    for _, record in records:
        match record:
            case RunBegun():
                found.update(record.tags)
            case RunLogged(batch=batch):
                found.update((metric.key for metric in batch.metrics), batch.params, batch.tags)
            case ModelBegun():
                found.update(record.params, record.tags)
            case _:
                pass
    return found


def experiments_of(records: Numbered) -> set[str]:
    """Names of experiments that the records need."""
    begun = (r for _, r in records if isinstance(r, RunBegun | ModelBegun))
    return {one.experiment for one in begun if isinstance(one.experiment, str)}


def blobs_of(records: Numbered) -> set[Blob]:
    """Files whose bytes must be there."""
    return {Blob(r.sha256, r.size) for _, r in records if isinstance(r, FileAdded)}


# In the transaction


def received(connection: Connection, spool: str) -> int:
    """How far a spool came."""
    table = tables.spools
    return connection.scalar(select(table.c.received).where(table.c.spool_id == spool)) or 0


def receive(
    connection: Connection,
    spool: str,
    after: int,
    records: Numbered,
    ids: Ids,
    homes: Mapping[str, int],
) -> int:
    """Carry out the records if the spool is where they begin; how far it is now."""
    table = tables.spools
    row = {"spool_id": spool, "received": 0, "at_ms": now_ms()}
    upsert(connection, table, [row], keys=["spool_id"])
    mine = table.c.spool_id == spool
    at = connection.scalar(select(table.c.received).where(mine).with_for_update()) or 0
    if at != after or not records:
        return at
    whole = fresh.told_whole(record for _, record in records)
    done = fresh.write(connection, whole, ids, homes) if whole else ()
    work = _Work(connection, ids, homes)
    for _, record in records:
        if record is None or (isinstance(record, _OF_RUNS) and record.run_id in done):
            continue
        work.carry_out(record)
    work.place_files()
    last = records[-1][0]
    connection.execute(update(table).where(mine).values(received=last, at_ms=now_ms()))
    return last


class _Work:
    """Records into the tables, within one transaction."""

    def __init__(self, connection: Connection, ids: Ids, homes: Mapping[str, int]) -> None:
        self._connection, self._ids, self._homes = connection, ids, homes
        self._seen: dict[str, Row[Any]] = {}
        self._files: dict[str, dict[tuple[str, ...], Blob]] = {}

    def place_files(self) -> None:
        """Name the files that were told of, together."""
        tree.place_all(self._connection, self._files)

    def carry_out(self, record: Record) -> None:
        """One of them."""
        connection = self._connection
        match record:
            case RunLogged():
                write_batch(connection, self._run(record.run_id), record.batch, self._ids)
            case RunBegun():
                self._begin(record)
            case RunEnded():
                self._end(record)
            case FileAdded():
                self._require_owner(record.owner)
                files = self._files.setdefault(record.owner, {})
                files[artifact_segments(record.path)] = Blob(record.sha256, record.size)
            case ModelBegun():
                self._begin_model(record)
            case ModelEnded():
                row = models.locked(connection, record.model_id)
                changes: dict[str, Any] = {"params": {}, "tags": {}, "ids": self._ids}
                models.change_model(connection, row, status=record.status, **changes)
            case ModelRegistered():
                pass  # whoever sends it registers the model; a tracker has no registry

    def _run(self, run_id: str) -> Row[Any]:
        """The row of a run that is not deleted; several records about it look once."""
        if run_id not in self._seen:
            self._seen[run_id] = runs.locked(self._connection, run_id)
        return self._seen[run_id]

    def _home(self, experiment: str | int) -> int:
        return self._homes[experiment] if isinstance(experiment, str) else experiment

    def _begin(self, record: RunBegun) -> None:
        connection, home = self._connection, self._home(record.experiment)
        self._seen.pop(record.run_id, None)
        parent = self._parent(record, home)
        there = runs.find(connection, record.run_id)
        if there is None:
            facts = {"run_id": record.run_id, "name": record.name, "user": record.user}
            started = record.at_ms or None
            row = runs.insert_run(
                connection, home, **facts, started_ms=started, parent_run_id=parent
            )
        else:
            row = runs.required_active(there)
            if record.resumed:
                runs.change_run(connection, row, status=Status.RUNNING, ended_ms=None, name=None)
            else:  # another process told of it first, and knew its id only
                self._complete(row, record, home, parent)
                row = runs.locked(connection, record.run_id)
        write_tags(
            connection, tables.RUN_TAG, row.id, row.experiment_id, dict(record.tags), self._ids
        )

    def _parent(self, record: RunBegun, home: int) -> str | None:
        parent = record.parent_run_id
        if parent is not None and runs.find(self._connection, parent) is None:
            facts: dict[str, Any] = {"name": "", "user": record.user, "parent_run_id": None}
            at_ms = record.at_ms or None
            runs.insert_run(self._connection, home, run_id=parent, started_ms=at_ms, **facts)
        return parent

    def _complete(self, row: Row[Any], record: RunBegun, home: int, parent: str | None) -> None:
        connection = self._connection
        changed: dict[str, Any] = {"started_ms": record.at_ms or row.started_ms}
        if record.name:
            changed |= {"name": record.name, "name_prefix": prefix(record.name)}
        if record.user:
            changed["user"] = record.user
        if parent is not None:
            changed["parent_id"] = runs.locked(connection, parent, active=False).id
        if row.ended_ms is not None:
            changed["duration_ms"] = row.ended_ms - changed["started_ms"]
        mine = update(tables.runs).where(tables.runs.c.id == row.id)
        connection.execute(mine.values(changed_ms=now_ms(), **changed))
        if home != row.experiment_id:
            moving.move(connection, [record.run_id], home)

    def _end(self, record: RunEnded) -> None:
        row = runs.locked(self._connection, record.run_id)
        ended = record.at_ms or None
        runs.change_run(self._connection, row, status=record.status, ended_ms=ended, name=None)

    def _require_owner(self, owner: str) -> None:
        kind, _, which = owner.partition(":")
        if kind == "run":
            self._run(which)
        elif which not in self._seen:
            self._seen[which] = models.locked(self._connection, which)

    def _begin_model(self, record: ModelBegun) -> None:
        source = None if record.run_id is None else runs.find(self._connection, record.run_id)
        if record.run_id is not None and source is None:
            raise NotFound(f"no run with id {record.run_id!r}")
        home = self._home(record.experiment) if source is None else source.experiment_id
        models.insert_model(
            self._connection,
            home,
            model_id=record.model_id,
            created_ms=record.at_ms,
            name=record.name,
            type=record.type,
            run_id=record.run_id,
            params=record.params,
            tags=record.tags,
            ids=self._ids,
        )
