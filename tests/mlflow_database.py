"""A tracking database as MLflow keeps it, made by hand from what is known of its tables: two generations of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

OLD: dict[str, str] = {
    "experiments": "experiment_id name artifact_location lifecycle_stage",
    "runs": "run_uuid name user_id status start_time end_time lifecycle_stage artifact_uri experiment_id",
    "metrics": "key value timestamp run_uuid",
    "params": "key value run_uuid",
    "tags": "key value run_uuid",
}
"""Of the year 2019: no steps, no latest points, no registry."""

NEW: dict[str, str] = {
    **OLD,
    "experiments": "experiment_id name artifact_location lifecycle_stage creation_time last_update_time workspace",
    "runs": f"{OLD['runs']} deleted_time",
    "metrics": "key value timestamp run_uuid step is_nan",
    "latest_metrics": "key value timestamp step is_nan run_uuid",
    "experiment_tags": "key value experiment_id",
    "datasets": "dataset_uuid experiment_id name digest dataset_source_type dataset_source dataset_schema dataset_profile",
    "inputs": "input_uuid source_type source_id destination_type destination_id step",
    "input_tags": "input_uuid name value",
    "logged_models": "model_id experiment_id name artifact_location creation_timestamp_ms last_updated_timestamp_ms status lifecycle_stage model_type source_run_id status_message",
    "logged_model_metrics": "model_id metric_name metric_timestamp_ms metric_step metric_value experiment_id run_id dataset_uuid dataset_name dataset_digest",
    "logged_model_params": "model_id experiment_id param_key param_value",
    "logged_model_tags": "model_id experiment_id tag_key tag_value",
    "registered_models": "name creation_time last_updated_time description workspace",
    "registered_model_tags": "name key value workspace",
    "registered_model_aliases": "name alias version workspace",
    "model_versions": "name version creation_time last_updated_time description user_id current_stage source run_id status status_message run_link storage_location workspace",
    "model_version_tags": "name version key value workspace",
    "trace_info": "request_id",
}

LARGEST = 1.7976931348623157e308
"""What the databases have for infinity."""
RUNS = [f"{n:032x}" for n in range(1, 7)]
PARENT, CHILD, LONG, GOING, GONE, LATER = RUNS
MODEL, SPARE = f"m-{1:032x}", f"m-{2:032x}"


class Tables:
    """Rows go in by name; what is not given is NULL."""

    def __init__(self, path: Path, tables: dict[str, str]) -> None:
        self.path, self.root = path, path.parent / "mlruns"
        self.root.mkdir(exist_ok=True)
        self._tables = tables
        self._database = sqlite3.connect(path)
        for name, columns in tables.items():
            self._database.execute(f"CREATE TABLE {name} ({', '.join(columns.split())})")

    def add(self, table: str, **row: Any) -> None:
        if "workspace" in self._tables[table].split():
            row.setdefault("workspace", "default")
        marks = ", ".join("?" * len(row))
        words = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"
        self._database.execute(words, list(row.values()))

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        return self._database.execute(f"SELECT * FROM {table}").fetchall()

    def execute(self, words: str) -> None:
        self._database.execute(words)

    def keep(self) -> None:
        self._database.commit()

    def close(self) -> None:
        self._database.close()

    def run(self, run_id: str, experiment: int = 1, status: str = "FINISHED", **more: Any) -> Path:
        """A run, and where its files are."""
        files = self.root / str(experiment) / run_id / "artifacts"
        row = {"user_id": "ann", "start_time": 1000, "end_time": 2000, "lifecycle_stage": "active"}
        row |= {"name": f"run {run_id[-1]}", "artifact_uri": str(files), "status": status, **more}
        self.add("runs", run_uuid=run_id, experiment_id=experiment, **row)
        return files

    def point(self, run_id: str, key: str, value: float, step: int, nan: bool = False) -> None:
        self.add("metrics", key=key, value=value, timestamp=step, run_uuid=run_id, step=step, is_nan=nan)  # fmt: skip

    def latest(self, run_id: str, key: str, value: float, step: int, nan: bool = False) -> None:
        self.add("latest_metrics", key=key, value=value, timestamp=step, step=step, is_nan=nan, run_uuid=run_id)  # fmt: skip

    def model(self, model_id: str, run_id: str | None, **more: Any) -> Path:
        """A logged model with files, and where they are."""
        files = self.root / "1" / "models" / model_id / "artifacts"
        row = {
            "name": "net",
            "creation_timestamp_ms": 5,
            "last_updated_timestamp_ms": 6,
            "status": 2,
        }
        row |= {"lifecycle_stage": "active", "model_type": "Linear", **more}
        self.add("logged_models", model_id=model_id, experiment_id=1, artifact_location=str(files), source_run_id=run_id, **row)  # fmt: skip
        write(files, "MLmodel", f"flavors: {{}}\nmodel_id: {model_id}\n")
        write(files, "data/w.bin", "weights")
        return files


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def team(folder: Path) -> Tables:
    """A small team's database: one of each."""
    folder.mkdir(exist_ok=True)
    made = Tables(folder / "mlflow.db", NEW)
    for number, name, stage in ((0, "Default", "active"), (1, "churn", "active"), (7, "old", "deleted")):  # fmt: skip
        made.add("experiments", experiment_id=number, name=name, lifecycle_stage=stage, creation_time=9)  # fmt: skip
    made.add("experiment_tags", experiment_id=1, key="team", value="risk")
    files = made.run(PARENT)
    write(files, "notes/a.txt", "hello")
    write(files, "b.json", "{}")
    made.add("params", key="depth", value="3", run_uuid=PARENT)
    made.add("tags", key="why", value="because", run_uuid=PARENT)
    odd = [1.0, LARGEST, -LARGEST, 5e-324, 0.30000000000000004]
    for step, value in enumerate(odd):
        made.point(PARENT, "odd", value, step)
    made.point(PARENT, "odd", 0.0, 5, nan=True)
    made.latest(PARENT, "odd", 0.0, 5, nan=True)
    made.point(PARENT, "auc", 0.9, 1)
    made.latest(PARENT, "auc", 0.9, 1)
    made.add("logged_model_metrics", model_id=MODEL, metric_name="auc", metric_timestamp_ms=1, metric_step=1, metric_value=0.9, run_id=PARENT, dataset_name="ages", dataset_digest="d1")  # fmt: skip
    made.run(CHILD)
    made.add("tags", key="mlflow.parentRunId", value=PARENT, run_uuid=CHILD)
    made.run(LONG, status="FAILED")
    for step in range(3000):
        made.point(LONG, "curve", step / 7, step)
    made.latest(LONG, "curve", 2999 / 7, 2999)
    made.run(GOING, status="RUNNING", end_time=None)
    made.run(GONE, 7, lifecycle_stage="deleted", deleted_time=3000)
    made.add("datasets", dataset_uuid="u1", experiment_id=1, name="ages", digest="d1", dataset_source_type="code", dataset_source="{}")  # fmt: skip
    made.add("inputs", input_uuid="i1", source_type="DATASET", source_id="u1", destination_type="RUN", destination_id=PARENT)  # fmt: skip
    made.add("input_tags", input_uuid="i1", name="mlflow.data.context", value="training")
    made.add("inputs", input_uuid="i2", source_type="RUN_OUTPUT", source_id=PARENT, destination_type="MODEL_OUTPUT", destination_id=MODEL, step=3)  # fmt: skip
    where = made.model(MODEL, PARENT)
    made.add("logged_model_params", model_id=MODEL, param_key="alpha", param_value="0.1")
    made.add("logged_model_tags", model_id=MODEL, tag_key="kind", tag_value="linear")
    made.model(SPARE, None, lifecycle_stage="deleted")
    made.add("registered_models", name="churn model", creation_time=9, description="Leaves?")
    made.add("registered_model_tags", name="churn model", key="owner", value="ann")
    made.add("registered_model_aliases", name="churn model", alias="champion", version=3)
    for number, stage, source in ((1, "Archived", where), (2, "Deleted_Internal", "gone"), (3, "Production", files / "notes")):  # fmt: skip
        made.add("model_versions", name="churn model", version=number, creation_time=9, current_stage=stage, source=str(source), run_id=PARENT, status="READY", description=f"no {number}", user_id="bob")  # fmt: skip
    made.add("model_version_tags", name="churn model", version=3, key="n", value="3")
    made.add("trace_info", request_id="t1")
    made.keep()
    return made


def more(made: Tables) -> None:
    """What came after a first migration."""
    write(made.run(LATER), "new.txt", "new")
    made.point(GOING, "loss", 0.25, 4)
    made.latest(GOING, "loss", 0.25, 4)
    made.execute(f"UPDATE runs SET status = 'FINISHED', end_time = 4000 WHERE run_uuid = '{GOING}'")
    made.add("tags", key="late", value="yes", run_uuid=GOING)
    made.execute("UPDATE registered_model_aliases SET version = 1")
    made.keep()
