"""The tracker of a yard: on SQLite, PostgreSQL and MariaDB/MySQL.

A write locks its run's row (SQLite: the file) and is one transaction. Keys get their numbers before, in a transaction
of their own: a number without a value does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from modelyard.base.clock import now_ms
from modelyard.base.errors import FileMissing, NotFound
from modelyard.base.events import Draft, Kind
from modelyard.stores.once import once as done_once
from modelyard.stores.placing import Stores
from modelyard.stores.rows.engine import Database
from modelyard.stores.rows.upsert import upsert
from modelyard.tracking import (
    curves,
    experiments,
    moving,
    receiving,
    retention,
    runs,
    tables,
)
from modelyard.tracking.checks import (
    check_experiment_name,
    check_key,
    check_run_id,
    check_texts,
)
from modelyard.tracking.heartbeats import beat, look_for_lost
from modelyard.tracking.interface import (
    DEFAULT_EXPERIMENT,
    EVERYTHING,
    Batch,
    Bucket,
    Columns,
    Context,
    Experiment,
    Metric,
    Page,
    Run,
    Search,
    Status,
)
from modelyard.tracking.keys import Keys
from modelyard.tracking.reading import read_runs
from modelyard.tracking.search.experiments import search_experiments
from modelyard.tracking.search.runs import search_runs
from modelyard.tracking.sql_models import SqlLoggedModels
from modelyard.tracking.writing import write_batch, write_tags

T = TypeVar("T")

_NONE: Mapping[str, Any] = {}
Record = Callable[[Connection, Sequence[Draft]], object]


class SqlTracker(SqlLoggedModels):
    """The tracker in a database opened by `modelyard.stores.rows.connect`. Threads may share it."""

    def __init__(
        self,
        database: Database,
        record: Record = lambda *_: None,
        stores: Stores | None = None,
    ) -> None:
        """``record`` writes what happened into the audit trail, in the transaction in which it happens; ``stores``
        have the bytes of files that other processes tell of."""
        self._database = database
        self._stores = stores or Stores(database, None, embed=True)
        self._record = record
        self._keys = Keys(database)
        with database.read() as connection:
            there = experiments.find(connection, DEFAULT_EXPERIMENT) is not None
        if not there:
            database.transact(experiments.found_default)

    # Experiments

    def create_experiment(
        self,
        name: str,
        *,
        tags: Mapping[str, str] = _NONE,
        artifact_location: str = "",
        experiment_id: int | None = None,
    ) -> Experiment:
        check_experiment_name(name)
        check_texts(tags, "tag")
        ids = self._keys.settle(tags)
        number = self._database.transact(
            lambda c: experiments.insert_experiment(
                c, name, artifact_location, tags, ids, experiment_id
            )
        )
        return self.experiment(number)

    def ensure_experiment(self, name: str) -> Experiment:
        check_experiment_name(name)
        with self._database.read() as connection:
            there = experiments.find(connection, name)
        if there is None:
            at_ms = now_ms()
            row = {"name": name, "artifact_location": "", "created_ms": at_ms, "updated_ms": at_ms}
            self._database.transact(lambda c: upsert(c, tables.experiments, [row], keys=["name"]))
        return self.experiment(name)

    def experiment(self, which: int | str) -> Experiment:
        with self._database.read() as connection:
            row = experiments.find(connection, which)
            if row is None:
                raise NotFound(
                    f"no experiment with id {which}"
                    if isinstance(which, int)
                    else f"no experiment named {which!r}"
                )
            return experiments.read_experiments(connection, self._keys, [row])[0]

    def update_experiment(
        self,
        experiment_id: int,
        *,
        name: str | None = None,
        tags: Mapping[str, str | None] = _NONE,
    ) -> Experiment:
        if name is not None:
            check_experiment_name(name)
        check_texts(tags, "tag")
        ids = self._keys.settle(tags)

        def change(connection: Connection) -> None:
            experiments.locked(connection, experiment_id)
            if name is not None:
                experiments.rename(connection, experiment_id, name)
            kind = tables.EXPERIMENT_TAG
            write_tags(connection, kind, experiment_id, experiment_id, tags, ids)
            experiments.touch(connection, experiment_id)

        self._database.transact(change)
        return self.experiment(experiment_id)

    def delete_experiment(self, experiment_id: int) -> None:
        self._on_experiment(experiment_id, experiments.remove, Kind.EXPERIMENT_DELETED)

    def restore_experiment(self, experiment_id: int) -> None:
        self._on_experiment(experiment_id, experiments.restore, Kind.EXPERIMENT_RESTORED)

    def purge_experiment(self, experiment_id: int) -> None:
        self._on_experiment(experiment_id, experiments.forget, Kind.EXPERIMENT_PURGED)

    def _on_experiment(
        self, experiment_id: int, change: Callable[[Connection, int], None], kind: Kind
    ) -> None:
        def work(connection: Connection) -> None:
            change(connection, experiment_id)
            self._record(connection, [Draft(kind, f"experiment:{experiment_id}")])

        self._database.transact(work)

    def search_experiments(self, search: Search) -> Page[Experiment]:
        with self._database.read() as connection:
            found = search_experiments(connection, search)
            table = tables.experiments
            rows = connection.execute(select(table).where(table.c.id.in_(found.ids))).all()
            order = {number: place for place, number in enumerate(found.ids)}
            rows = sorted(rows, key=lambda row: order[row.id])
            return Page(experiments.read_experiments(connection, self._keys, rows), found.next)

    # Runs

    def create_run(
        self,
        experiment_id: int,
        *,
        run_id: str | None = None,
        name: str = "",
        user: str = "",
        started_ms: int | None = None,
        tags: Mapping[str, str] = _NONE,
        parent_run_id: str | None = None,
        once: str | None = None,
    ) -> Run:
        if run_id is not None:
            check_run_id(run_id)
        check_texts(tags, "tag")
        ids = self._keys.settle(tags)

        def change(connection: Connection) -> str:
            row = runs.insert_run(
                connection,
                experiment_id,
                run_id=run_id,
                name=name,
                user=user,
                started_ms=started_ms,
                parent_run_id=parent_run_id,
            )
            write_tags(connection, tables.RUN_TAG, row.id, experiment_id, dict(tags), ids)
            return row.run_id

        return self.run(done_once(self._database, once, change))

    def run(self, run_id: str, columns: Columns = EVERYTHING) -> Run:
        look_for_lost(self._database)
        with self._database.read() as connection:
            number = self._row(connection, run_id)
            return read_runs(connection, self._keys, [number], columns)[0]

    def _row(self, connection: Connection, run_id: str) -> int:
        query = select(tables.runs.c.id).where(tables.runs.c.run_id == check_run_id(run_id))
        number = connection.scalar(query)
        if number is None:
            raise NotFound(f"no run with id {run_id!r}")
        return number

    def update_run(
        self,
        run_id: str,
        *,
        status: Status | None = None,
        ended_ms: int | None = None,
        name: str | None = None,
    ) -> Run:
        check_run_id(run_id)

        def change(connection: Connection) -> None:
            row = runs.locked(connection, run_id)
            runs.change_run(connection, row, status=status, ended_ms=ended_ms, name=name)

        self._database.transact(change)
        return self.run(run_id)

    def write(self, run_id: str, batch: Batch, *, once: str | None = None) -> None:
        check_run_id(run_id)
        logged = {metric.key for metric in batch.metrics}
        for key in logged:
            check_key(key)
        check_texts(batch.params, "param")
        check_texts(batch.tags, "tag")
        ids = self._keys.settle([*logged, *batch.params, *batch.tags])

        def change(connection: Connection) -> None:
            write_batch(connection, runs.locked(connection, run_id), batch, ids)

        done_once(self._database, once, change)

    def beat(self, run_ids: Sequence[str], seconds: float) -> None:
        for run_id in run_ids:
            check_run_id(run_id)
        self._database.transact(lambda c: beat(c, run_ids, seconds))

    # What other processes told

    def received(self, spool: str) -> int:
        with self._database.read() as connection:
            return receiving.received(connection, receiving.checked_spool(spool))

    def receive(self, spool: str, after: int, records: receiving.Numbered) -> int:
        receiving.checked_spool(spool)
        receiving.check(after, records)
        for blob in receiving.blobs_of(records):
            if self._stores.stat(blob.sha256) != blob:
                raise FileMissing(f"no blob sha256:{blob.sha256} of {blob.size} bytes")
        ids = self._keys.settle(receiving.keys_of(records))
        homes = {n: self.ensure_experiment(n).id for n in receiving.experiments_of(records)}
        return self._database.transact(
            lambda c: receiving.receive(c, spool, after, records, ids, homes)
        )

    def delete_runs(self, run_ids: Sequence[str]) -> None:
        self._on_runs(
            run_ids, lambda c, ids: runs.mark_deleted(c, ids, deleted=True), Kind.RUN_DELETED
        )

    def restore_runs(self, run_ids: Sequence[str]) -> None:
        self._on_runs(
            run_ids, lambda c, ids: runs.mark_deleted(c, ids, deleted=False), Kind.RUN_RESTORED
        )

    def purge_runs(self, run_ids: Sequence[str]) -> None:
        self._on_runs(run_ids, runs.purge, Kind.RUN_PURGED)

    def tag_runs(self, run_ids: Sequence[str], tags: Mapping[str, str | None]) -> None:
        check_texts(tags, "tag")
        ids = self._keys.settle(tags)

        def change(connection: Connection, mine: Sequence[str]) -> None:
            for row in runs.require(connection, mine):
                write_batch(connection, runs.required_active(row), Batch(tags=tags), ids)

        self._on_runs(run_ids, change)

    def move_runs(self, run_ids: Sequence[str], experiment_id: int) -> None:
        there = {"experiment": experiment_id}
        self._on_runs(
            run_ids, lambda c, ids: moving.move(c, ids, experiment_id), Kind.RUN_MOVED, there
        )

    def _on_runs(
        self,
        run_ids: Iterable[str],
        change: Callable[[Connection, Sequence[str]], None],
        kind: Kind | None = None,
        after: Mapping[str, Any] = _NONE,
    ) -> None:
        ids = [check_run_id(run_id) for run_id in dict.fromkeys(run_ids)]

        def work(connection: Connection) -> None:
            change(connection, ids)
            if kind is not None:
                self._record(connection, [Draft(kind, f"run:{i}", after=after) for i in ids])

        self._database.transact(work)

    def copy_run(self, run_id: str, experiment_id: int) -> Run:
        check_run_id(run_id)
        return self.run(self._database.transact(lambda c: moving.copy(c, run_id, experiment_id)))

    def search(self, search: Search) -> Page[Run]:
        look_for_lost(self._database)
        with self._database.read() as connection:
            found = search_runs(connection, search)
            return Page(read_runs(connection, self._keys, found.ids, search.columns), found.next)

    def purge_deleted(self, before_ms: int) -> int:
        def purge(connection: Connection) -> int:
            subjects = retention.purge_some(connection, before_ms)
            kinds = {"run": Kind.RUN_PURGED, "experiment": Kind.EXPERIMENT_PURGED}
            named = [(kinds.get(subject.partition(":")[0]), subject) for subject in subjects]
            self._record(connection, [Draft(kind, subject) for kind, subject in named if kind])
            return len(subjects)

        gone = 0
        while found := self._database.transact(purge):
            gone += found
        return gone

    # Metrics

    def history(
        self,
        run_id: str,
        key: str,
        *,
        context: Context | None = None,
        limit: int = 25_000,
        page: str | None = None,
    ) -> Page[Metric]:
        key_id = self._keys.find([key]).get(key)
        with self._database.read() as connection:
            number = self._row(connection, run_id)
            where = None if context is None else curves.context_id(connection, context)
            if key_id is None or where == curves.UNKNOWN:
                return Page([])
            return curves.history(connection, number, key_id, key, where, limit, page)

    def curve(
        self,
        run_id: str,
        key: str,
        *,
        buckets: int = 500,
        first_step: int | None = None,
        last_step: int | None = None,
        context: Context | None = None,
    ) -> Sequence[Bucket]:
        key_id = self._keys.find([key]).get(key)
        metrics = tables.metrics
        with self._database.read() as connection:
            number = self._row(connection, run_id)
            mine = (metrics.c.run_id == number, metrics.c.key_id == key_id, metrics.c.latest)
            if context is not None:
                where = curves.context_id(connection, context)
            else:
                where = connection.scalar(select(metrics.c.context_id).where(*mine))
            if key_id is None or where is None or where == curves.UNKNOWN:
                return []
            return curves.curve(connection, number, key_id, where, buckets, first_step, last_step)
