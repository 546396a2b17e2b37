"""Data sets, models and predictions of mlops-lite, put into a yard in the order in which they were made.

Versions count 1, 2, 3 in a yard. mlops-lite numbered a model by name, data set and target, so that two could be called
``churn v1``: where a number changes, the row says from what. Pickles are copied as bytes, under the rules of trust.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row

from modelyard import types
from modelyard.base.clock import to_rfc3339
from modelyard.base.errors import Corrupted, ModelyardError, NotFound
from modelyard.base.notes import collected
from modelyard.compat._mlopslite import reading
from modelyard.objects.assembled import ALONE, assemble
from modelyard.objects.card import Card, FormatInfo
from modelyard.objects.importers.pickle import pickle_format
from modelyard.predictions.interface import Prediction, PredictionQuery
from modelyard.types.schema import Argument, Signature
from modelyard.yard.datasets import Dataset
from modelyard.yard.keeping import keep
from modelyard.yard.versions import ModelVersion
from modelyard.yard.yard import Yard

_TYPES: Mapping[str, str] = {"int": "int64", "float": "float64", "str": "object", "bool": "bool"}
"""mlops-lite's word for a feature's type -> a column's dtype; any other word is an object's."""


@dataclass(frozen=True)
class Migrated:
    """What became of one data set, model or logged request."""

    source: str
    """As mlops-lite calls it: ``dataset 1 (iris v1)``."""
    kind: str
    target: str = ""
    status: str = "migrated"
    hash: str = ""
    """mlops-lite's md5."""
    digest: str = ""
    """Ours."""
    error: str = ""
    notes: Sequence[str] = ()

    def row(self) -> dict[str, Any]:
        """As the summary shows it."""
        return asdict(self)


def migrate(uri: str, yard: Yard, *, dry_run: bool = False) -> list[Migrated]:
    """Bring everything over, the oldest first; what cannot be is a row with its error, and the rest goes on."""
    engine = reading.connect(uri)
    try:
        return _Migration(engine, yard, dry_run).run()
    finally:
        engine.dispose()


class _Migration:
    def __init__(self, engine: Engine, yard: Yard, dry_run: bool) -> None:
        self.engine, self.yard, self.dry_run = engine, yard, dry_run
        self.datasets: dict[int, Dataset] = {}
        self.models: dict[int, ModelVersion] = {}

    def run(self) -> list[Migrated]:
        tables = (
            (reading.datasets, "dataset", self.dataset),
            (reading.models, "model", self.model),
            (reading.logs, "predictions", self.log),
        )
        return [
            self.one(kind, make, row)
            for table, kind, make in tables
            for row in reading.rows(self.engine, table)
        ]

    def one(
        self, kind: str, make: Callable[[Row[Any], Migrated], Migrated], row: Row[Any]
    ) -> Migrated:
        name = f" ({row.name} v{row.version})" if hasattr(row, "version") else ""
        done = Migrated(f"{kind} {row.id}{name}", kind, hash=getattr(row, "hash", ""))
        with collected() as notes:
            try:
                done = make(row, done)
            except (ModelyardError, ValueError, TypeError, KeyError, AttributeError) as error:
                text = error.message if isinstance(error, ModelyardError) else repr(error)
                done = replace(done, status="failed", error=text)
        renumbered = name and done.target and not done.target.endswith(f"@{row.version}")
        told = [f"it was version {row.version}"] if renumbered else []
        status = "would migrate" if self.dry_run and done.status != "failed" else done.status
        return replace(done, status=status, notes=(*told, *notes))

    def dataset(self, row: Row[Any], done: Migrated) -> Migrated:
        frame = _frame(row.data, reading.dtypes_of(self.engine, row.id))
        if self.dry_run:
            return done
        made = self.yard.datasets.add(frame, row.name, row.description or "")
        self.datasets[row.id] = made
        return replace(done, target=made.ref, digest=f"sha256:{made.digest}")

    def model(self, row: Row[Any], done: Migrated) -> Migrated:
        data = bytes(row.deployable)
        if hashlib.md5(data, usedforsecurity=False).hexdigest() != row.hash:
            raise Corrupted("its pickle is not what was stored: another md5")
        source = assemble(_card(row, data), {ALONE: data}, row.name, done.source)
        if self.dry_run:
            return done
        if row.dataset_registry_id not in self.datasets:
            raise NotFound(f"its data set {row.dataset_registry_id} is not there")
        made = self.yard.models.register_kept(
            keep(self.yard.stores, source),
            row.name,
            dataset=self.datasets[row.dataset_registry_id],
            target=row.target,
            description=row.description or "",
            vouched=False,
            comment=f"from mlops-lite, made {_moment(row.created_at)}",
        )
        self.models[row.id] = made
        return replace(done, target=made.ref, digest=made.digest)

    def log(self, row: Row[Any], done: Migrated) -> Migrated:
        found = reading.rows_of(self.engine, reading.items, "execution_log_id", row.id)
        if self.dry_run:
            return done
        version = self.models.get(row.deployable_id)
        if version is None:
            raise NotFound(f"its model {row.deployable_id} is not there")
        # The same request again has the same id, so that a second run adds nothing.
        request = hashlib.md5(f"{version.digest} {row.id}".encode(), usedforsecurity=False)
        done = replace(done, target=f"{len(found)} of {version.ref}")
        if self.yard.predictions.log.count(PredictionQuery(request_id=request.hexdigest())):
            return replace(done, status="there already")
        self.yard.predictions.log.record(
            [
                self.prediction(row, version, i, item, request.hexdigest())
                for i, item in enumerate(found)
            ]
        )
        return done

    def prediction(
        self, log: Row[Any], version: ModelVersion, place: int, item: Row[Any], request: str
    ) -> Prediction:
        inputs = reading.rows_of(self.engine, reading.requests, "execution_items_id", item.id)
        outputs = reading.rows_of(self.engine, reading.responses, "execution_items_id", item.id)
        named = {o.classname: o.out_value for o in outputs}
        columns: Any = version.card.methods["predict"].args["X"].type
        dtypes = {n: c.dtype for n, c in columns.columns.items()}
        return Prediction(
            at_ms=int(_utc(log.request_time).timestamp() * 1000),
            model=version.ref,
            method="predict_proba" if "predict_proba" in version.card.methods else "predict",
            request_id=request,
            row=place,
            reference_id=item.reference_id or "",
            inputs={i.varname: _value(i.in_value, dtypes.get(i.varname, "")) for i in inputs},
            outputs=named if set(named) != {None} else named[None],
            model_version_id=version.id,
            dataset_id=version.record.facts.get("dataset_id"),
            caller="mlops-lite",
            digest=version.digest.removeprefix("sha256:"),
        )


def _frame(data: Mapping[str, Sequence[Any]], dtypes: Mapping[str, str]) -> Any:
    """The table, its columns as pandas had them where that can be."""
    import pandas

    frame = pandas.DataFrame({name: list(values) for name, values in data.items()})
    for name, dtype in dtypes.items():
        if name in frame and str(frame[name].dtype) != dtype:
            try:
                frame[name] = frame[name].astype(dtype)  # type: ignore[call-overload]  # a word of pandas
            except (TypeError, ValueError):
                continue
    return frame


def _card(row: Row[Any], data: bytes) -> Card:
    columns = {name: _TYPES.get(str(word), "object") for name, word in row.variables.items()}
    taken = Argument(types.parse({"type": "dataframe", "columns": columns}))
    methods = ["predict", "predict_proba"] if row.estimator_type == "classifier" else ["predict"]
    facts = {
        "estimator_class": row.estimator_class,
        "estimator_type": row.estimator_type,
        "target_mapping": row.target_mapping,
        "mlopslite": {
            "id": row.id,
            "version": row.version,
            "hash": row.hash,
            "created_at": _moment(row.created_at),
        },
    }
    return Card(
        flavor="sklearn",
        format=_pickle_format(data),
        description=row.description or "",
        methods={name: Signature({"X": taken}) for name in methods},
        metadata={k: v for k, v in facts.items() if v is not None},
    )


def _pickle_format(data: bytes) -> FormatInfo:
    """A checked pickle where that can read it, else one that needs trust."""
    with tempfile.TemporaryDirectory(prefix="modelyard-") as folder:
        path = Path(folder, "model.pkl")
        path.write_bytes(data)
        return pickle_format(path)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _moment(moment: datetime) -> str:
    return to_rfc3339(int(_utc(moment).timestamp() * 1000))


def _value(text: str, dtype: str) -> Any:
    """A logged input in its feature's type; mlops-lite kept texts, unchecked."""
    for prefix, read in (("int", int), ("float", float)):
        if dtype.startswith(prefix):
            try:
                value = read(text)
            except ValueError:
                return text
            return value if value == value else None
    return text
