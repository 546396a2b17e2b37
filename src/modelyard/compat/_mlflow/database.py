"""A tracking database of MLflow, read as it stands: which tables and columns are there says which version wrote it.

It is only read, in pages, with all that a page of runs needs in a few queries.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Double,
    Engine,
    MetaData,
    Row,
    String,
    Table,
    create_engine,
    func,
    inspect,
    null,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from modelyard.base.errors import FileMissing, ForeignSchema, Unreachable
from modelyard.compat._mlflow.interface import (
    PARENT,
    RUN_NAME,
    FoundModel,
    FoundRun,
    Home,
    in_contexts,
    in_order,
    latest_of,
    model_id_of,
    number_of,
    run_id_of,
    status_of,
)
from modelyard.compat._mlflow.places import Places
from modelyard.compat._mlflow.registry_rows import Registry
from modelyard.stores.rows.address import Address
from modelyard.tracking.interface import Context, Input, LoggedModel, Metric, ModelLink, Run

PAGE = 500
"""Runs at once: SQLite takes a thousand values in a query."""
_NEEDED = {"experiments", "runs", "metrics", "params", "tags"}
_MODEL_STATUSES = {1: "PENDING", 2: "READY", 3: "UPLOAD_FAILED"}
_ELSEWHERE = {
    "trace_info": "traces",
    "evaluation_datasets": "evaluation data sets",
    "webhooks": "webhooks",
    "assessments": "assessments of traces",
    "scorers": "scorers",
}
"""Tables that nothing here takes -> what they hold."""


class DatabaseSource:
    """Experiments, runs, models and the registry of one database."""

    def __init__(self, address: Address, roots: Sequence[str]) -> None:
        self.shown = address.shown
        self._engine = _engine(address)
        try:
            self._tables = _tables_of(self._engine, self.shown)
        except BaseException:
            self._engine.dispose()
            raise
        place = str(address.path.resolve()) if address.path else address.shown
        self.key = f"database {place}"
        own = _beside(address.path) if address.path else []
        self._places = Places([*roots, *map(str, own)])
        self._registry = Registry(self)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    # Rows

    def has(self, table: str) -> bool:
        """Whether the database is new enough for a table."""
        return table in self._tables

    def column(self, table: str, name: str) -> ColumnElement[Any]:
        """A column, or NULL where the database is too old for it."""
        columns = self._tables[table].c
        return columns[name] if name in columns else null().label(name)

    def rows(self, table: str, *names: str, where: Sequence[Any] = (), order: Sequence[str] = (), limit: int | None = None) -> Sequence[Any]:  # fmt: skip
        """Some columns of rows, or none where there is no such table."""
        if not self.has(table):
            return []
        mine = self._tables[table]
        query = select(*(self.column(table, name) for name in names)).select_from(mine)
        query = query.where(*where, *self._workspace(table)).limit(limit)
        with _named(self.shown), self._engine.connect() as connection:
            return connection.execute(query.order_by(*(mine.c[n] for n in order))).all()

    def _workspace(self, table: str) -> list[Any]:
        columns = self._tables[table].c
        return [columns["workspace"] == "default"] if "workspace" in columns else []

    def texts(self, table: str, owner: str, ids: Sequence[Any], key: str = "key", value: str = "value") -> Mapping[Any, dict[str, str]]:  # fmt: skip
        """Keys and values of owners."""
        found: defaultdict[Any, dict[str, str]] = defaultdict(dict)
        if ids and self.has(table):
            mine = [self._tables[table].c[owner].in_(ids)]
            for row in self.rows(table, owner, key, value, where=mine):
                found[row[0]][row[1]] = row[2] or ""
        return found

    # What a source tells

    def homes(self) -> list[Home]:
        names = ("experiment_id", "name", "lifecycle_stage", "creation_time", "artifact_location")
        rows = self.rows("experiments", *names, order=["experiment_id"])
        tags = self.texts("experiment_tags", "experiment_id", [row.experiment_id for row in rows])
        return [
            Home(
                str(row.experiment_id),
                row.name,
                row.lifecycle_stage == "deleted",
                row.creation_time or 0,
                row.artifact_location or "",
                tags[row.experiment_id],
            )
            for row in rows
        ]

    def runs(self, home: Home) -> Iterator[Sequence[FoundRun]]:
        runs, last = self._tables["runs"].c, ""
        names = ("run_uuid", "name", "user_id", "status", "start_time", "end_time", "lifecycle_stage", "deleted_time", "artifact_uri")  # fmt: skip
        while True:
            mine = [runs["experiment_id"] == int(home.id), runs["run_uuid"] > last]
            rows = self.rows("runs", *names, where=mine, order=["run_uuid"], limit=PAGE)
            if not rows:
                return
            last = rows[-1].run_uuid
            yield self._filled(home, rows)

    def _filled(self, home: Home, rows: Sequence[Row[Any]]) -> list[FoundRun]:
        ids = [row.run_uuid for row in rows]
        params = self.texts("params", "run_uuid", ids)
        tags = self.texts("tags", "run_uuid", ids)
        latest, contexts = self._latest(ids), self._contexts(ids)
        inputs, links = self._inputs(ids), self._links(ids)
        found: list[FoundRun] = []
        for row in rows:
            mine = tags[row.run_uuid]
            taken, made = links[row.run_uuid]
            run = Run(
                row.run_uuid,
                0,
                row.name or mine.get(RUN_NAME, ""),
                status_of(row.status),
                row.user_id or "",
                row.start_time or 0,
                row.end_time,
                deleted_ms=row.deleted_time,
                parent_run_id=mine.get(PARENT) or None,
                metrics=latest_of(in_contexts(latest[row.run_uuid], contexts[row.run_uuid])),
                params=params[row.run_uuid],
                tags=mine,
                inputs=inputs[row.run_uuid],
                model_inputs=taken,
                model_outputs=made,
            )
            deleted = row.lifecycle_stage == "deleted"
            found.append(FoundRun(run, home.id, deleted, row.artifact_uri or ""))
        return found

    def _latest(self, ids: Sequence[str]) -> Mapping[str, list[Metric]]:
        if self.has("latest_metrics"):
            return self._points("latest_metrics", ids)
        return {run_id: latest_of(found) for run_id, found in self._points("metrics", ids).items()}

    def _points(self, table: str, ids: Sequence[str]) -> defaultdict[str, list[Metric]]:
        found: defaultdict[str, list[Metric]] = defaultdict(list)
        mine = [self._tables[table].c["run_uuid"].in_(ids)]
        names = ("run_uuid", "key", "value", "timestamp", "step", "is_nan")
        for run_id, key, value, at_ms, step, nan in self.rows(table, *names, where=mine):
            found[run_id].append(Metric(key, number_of(value, nan), at_ms or 0, step or 0))
        return found

    def _contexts(self, ids: Sequence[str]) -> Mapping[str, list[Metric]]:
        """Points that were measured of models or data sets."""
        found: defaultdict[str, list[Metric]] = defaultdict(list)
        table = "logged_model_metrics"
        if not self.has(table):
            return found
        mine = [self._tables[table].c["run_id"].in_(ids)]
        names = ("run_id", "model_id", "metric_name", "metric_value", "metric_timestamp_ms", "metric_step", "dataset_name", "dataset_digest")  # fmt: skip
        for row in self.rows(table, *names, where=mine):
            context = Context(model_id_of(row[1]), row[6] or "", row[7] or "")
            found[row[0]].append(Metric(row[2], number_of(row[3]), row[4], row[5], context))
        return found

    def histories(self, runs: Sequence[FoundRun]) -> Mapping[str, Sequence[Metric]]:
        ids = [found.run.run_id for found in runs]
        points, contexts = self._points("metrics", ids), self._contexts(ids)
        return {
            run_id: in_order(in_contexts(points[run_id], contexts[run_id]) if contexts[run_id] else points[run_id])
            for run_id in ids
        }  # fmt: skip

    def _inputs(self, ids: Sequence[str]) -> Mapping[str, list[Input]]:
        found: defaultdict[str, list[Input]] = defaultdict(list)
        if not (self.has("inputs") and self.has("datasets")):
            return found
        inputs = self._tables["inputs"].c
        mine = [inputs["destination_id"].in_(ids), inputs["source_type"] == "DATASET"]
        uses = self.rows("inputs", "input_uuid", "source_id", "destination_id", where=mine)
        tags = self.texts("input_tags", "input_uuid", [use.input_uuid for use in uses], "name")
        wanted = [self._tables["datasets"].c["dataset_uuid"].in_({use.source_id for use in uses})]
        names = ("dataset_uuid", "name", "digest", "dataset_source_type", "dataset_source", "dataset_schema", "dataset_profile")  # fmt: skip
        sets = {row[0]: row[1:] for row in self.rows("datasets", *names, where=wanted)}
        for use in uses:
            if use.source_id in sets:
                words = [word or "" for word in sets[use.source_id]]
                found[use.destination_id].append(Input(*words, tags=tags[use.input_uuid]))
        return found

    def _links(self, ids: Sequence[str]) -> Mapping[str, tuple[list[ModelLink], list[ModelLink]]]:
        """Logged models that runs took and made."""
        found: defaultdict[str, Any] = defaultdict(lambda: ([], []))
        if not self.has("inputs"):
            return found
        inputs = self._tables["inputs"].c
        kinds = ("RUN_INPUT", "RUN_OUTPUT")
        mine = [inputs["source_id"].in_(ids), inputs["source_type"].in_(kinds)]
        for row in self.rows("inputs", "source_type", "source_id", "destination_id", "step", where=mine):  # fmt: skip
            made = row.source_type == "RUN_OUTPUT"
            link = ModelLink(model_id_of(row.destination_id), (row.step or 0) if made else 0)
            found[row.source_id][made].append(link)
        return found

    def models(self, home: Home) -> Iterator[Sequence[FoundModel]]:
        if not self.has("logged_models"):
            return
        table, last = self._tables["logged_models"].c, ""
        names = ("model_id", "name", "artifact_location", "creation_timestamp_ms", "last_updated_timestamp_ms", "status", "lifecycle_stage", "model_type", "source_run_id", "status_message")  # fmt: skip
        while True:
            mine = [table["experiment_id"] == int(home.id), table["model_id"] > last]
            rows = self.rows("logged_models", *names, where=mine, order=["model_id"], limit=PAGE)
            if not rows:
                return
            last = rows[-1].model_id
            ids = [row.model_id for row in rows]
            params = self.texts("logged_model_params", "model_id", ids, "param_key", "param_value")
            tags = self.texts("logged_model_tags", "model_id", ids, "tag_key", "tag_value")
            yield [_model(home, row, params[row.model_id], tags[row.model_id]) for row in rows]

    def registered(self) -> Iterator[Any]:
        return self._registry.models()

    def folder(self, uri: str, run_id: str = "", model_id: str = "") -> Any:
        return self._places.folder(uri)

    def left_out(self) -> list[str]:
        found: list[str] = []
        with _named(self.shown), self._engine.connect() as connection:
            there = set(inspect(connection).get_table_names())
            for table, words in _ELSEWHERE.items():
                if table in there and (count := connection.scalar(_count(table))):
                    found.append(f"{count} {words} are not copied")
        elsewhere = {t: self._in_other_workspaces(t) for t in ("experiments", "registered_models")}
        return [
            *found,
            *(
                f"{count} {table.replace('_', ' ')} of other workspaces than 'default' are not copied"
                for table, count in elsewhere.items()
                if count
            ),
        ]

    def _in_other_workspaces(self, table: str) -> int:
        if not self.has(table) or "workspace" not in self._tables[table].c:
            return 0
        columns = self._tables[table].c
        query = select(func.count()).where(columns["workspace"] != "default")
        with self._engine.connect() as connection:
            return connection.scalar(query) or 0


def _count(table: str) -> Any:
    return select(func.count()).select_from(Table(table, MetaData()))


def _model(home: Home, row: Row[Any], params: Mapping[str, str], tags: Mapping[str, str]) -> FoundModel:  # fmt: skip
    model = LoggedModel(
        row.model_id,
        0,
        row.name or "",
        row.model_type or "",
        run_id_of(row.source_run_id) if row.source_run_id else None,
        _MODEL_STATUSES.get(row.status, "PENDING"),
        row.status_message or "",
        row.creation_timestamp_ms,
        row.last_updated_timestamp_ms,
        params=params,
        tags=tags,
    )
    return FoundModel(model, home.id, row.lifecycle_stage == "deleted", row.artifact_location)


def _engine(address: Address) -> Engine:
    if address.path is None:
        return create_engine(address.url)
    if not address.path.is_file():
        raise FileMissing(f"{address.shown}: there is no such file")
    # Of a file that is in use the log beside it is read too; it is never written.
    return create_engine(f"sqlite+pysqlite:///file:{_quoted(address.path)}?mode=ro&uri=true")


def _quoted(path: Path) -> str:
    from urllib.parse import quote

    return quote(str(path.absolute()))


def _beside(path: Path) -> list[Path]:
    """Where stock servers put files of a database without being told."""
    folder = path.absolute().parent
    return [folder / "mlruns", folder / "mlartifacts"]


def _tables_of(engine: Engine, shown: str) -> Mapping[str, Table]:
    known = MetaData()
    with _named(shown), engine.connect() as connection:
        there = set(inspect(connection).get_table_names())
        if missing := _NEEDED - there:
            raise ForeignSchema(
                f"{shown} is no tracking database of MLflow: it has no table {min(missing)}"
            )
        wanted = [t for t in _WANTED if t in there]
        known.reflect(connection, only=wanted, resolve_fks=False)
    for table in known.tables.values():
        for name in {"value", "metric_value"} & set(table.c.keys()):
            if not isinstance(table.c[name].type, String):
                table.c[name].type = Double()  # MySQL's would come as rounded decimals
    return {name: known.tables[name] for name in wanted}


_WANTED = (
    *sorted(_NEEDED),
    *("experiment_tags", "latest_metrics", "inputs", "input_tags", "datasets"),
    *("logged_models", "logged_model_params", "logged_model_tags", "logged_model_metrics"),
    *("registered_models", "registered_model_tags", "registered_model_aliases"),
    *("model_versions", "model_version_tags"),
)


@contextlib.contextmanager
def _named(shown: str) -> Iterator[None]:
    """A database's own errors in our words, without what the driver says of passwords."""
    try:
        yield
    except SQLAlchemyError as error:
        told = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
        raise Unreachable(f"{shown} cannot be read: {told}") from None
