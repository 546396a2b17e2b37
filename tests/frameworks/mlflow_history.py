"""A team's history made with MLflow's own client, in a process that knows nothing of modelyard.

``python mlflow_history.py TRACKING_URI REGISTRY_URI [more]`` writes runs, models and a registry of every kind there is;
``more`` adds what happened after a first migration. ``python mlflow_history.py tell URI`` prints what the client reads.
"""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"

import mlflow
import numpy as np
from mlflow.data.numpy_dataset import from_numpy
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.tracking import MlflowClient

POINTS = [1.0, -0.0, math.nan, math.inf, -math.inf, 5e-324, 0.1 + 0.2]


def write() -> None:
    client = MlflowClient()
    mlflow.set_experiment("churn")
    mlflow.set_experiment_tags({"team": "risk", "mlflow.note.content": "Who *leaves*"})
    data = from_numpy(np.arange(6.0), name="ages", targets=np.ones(6))
    with mlflow.start_run(run_name="grid", tags={"phase": "search"}) as parent:
        mlflow.log_params({"depth": 3, "Schön/größe": "größer", "long": "x" * 5900})
        mlflow.log_input(data, context="training", tags={"split": "a"})
        mlflow.log_text("hello", "notes/a.txt")
        mlflow.log_dict({"a": 1}, "b.json")
        for number in range(2):
            with mlflow.start_run(run_name=f"cell-{number}", nested=True):
                mlflow.log_metric("loss", 0.5 / (number + 1), step=number)
        for step, value in enumerate(POINTS):
            mlflow.log_metric("odd/values", value, step=step)
        points = [Metric("curve", i / 7, 1_700_000_000_000 + i, i) for i in range(2500)]
        for at in range(0, 2500, 1000):
            client.log_batch(parent.info.run_id, metrics=points[at : at + 1000])
        model = logged_model(client, parent.info.run_id)
        mlflow.log_metric("auc", 0.9, step=1, model_id=model, dataset=data)
        mlflow.log_metric("auc", 0.7, step=2)
    with mlflow.start_run(run_name="eval") as eval_run:
        mlflow.log_input(data, context="eval")
        mlflow.log_metric("test_auc", 0.8, model_id=model)
        client.log_inputs(eval_run.info.run_id, models=[mlflow.entities.LoggedModelInput(model)])
    failed = client.create_run(parent.info.experiment_id, run_name="broke", tags={"why": "oom"})
    client.set_terminated(failed.info.run_id, "FAILED")
    running = client.create_run(parent.info.experiment_id, run_name="still going")
    client.log_param(running.info.run_id, "rate", "0.1")
    gone = client.create_run("0", run_name="deleted one")
    client.log_batch(
        gone.info.run_id, [Metric("m", 1.0, 5, 0)], [Param("p", "1")], [RunTag("t", "v")]
    )
    client.delete_run(gone.info.run_id)
    old = client.create_experiment("old ideas", tags={"age": "old"})
    client.create_run(old, run_name="in a deleted experiment")
    client.delete_experiment(old)
    spare = logged_model(client, None, "spare")
    client.delete_logged_model(spare)
    registry(client, model, parent.info.run_id)


def logged_model(client: MlflowClient, run_id: str | None, name: str = "model") -> str:
    """A logged model with files of its own; the files stand for any library's."""
    model = mlflow.initialize_logged_model(
        name=name, source_run_id=run_id, tags={"kind": "linear"}, params={"alpha": "0.1"}, model_type="Linear")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "MLmodel").write_text(f"flavors: {{}}\nmodel_id: {model.model_id}\n")
        Path(folder, "data").mkdir()
        Path(folder, "data", "weights.bin").write_bytes(bytes(range(256)) * 30)
        client.log_model_artifacts(model.model_id, folder)
    mlflow.finalize_logged_model(model.model_id, "READY")
    if run_id:
        client.log_outputs(run_id, [mlflow.entities.LoggedModelOutput(model.model_id, 3)])
    return model.model_id


def registry(client: MlflowClient, model: str, run_id: str) -> None:
    client.create_registered_model("churn model", tags={"owner": "ann"}, description="Leaves?")
    source = client.get_logged_model(model).artifact_location
    for number in range(4):
        if number == 2:
            root = client.get_run(run_id).info.artifact_uri
            client.create_model_version("churn model", f"{root}/notes", run_id)
        else:
            client.create_model_version(
                "churn model", source, run_id, tags={"n": str(number)}, description=f"no {number}", model_id=model)  # fmt: skip
    client.delete_model_version("churn model", "2")
    client.transition_model_version_stage("churn model", "1", "Archived")
    client.transition_model_version_stage("churn model", "3", "Production")
    client.transition_model_version_stage("churn model", "4", "Staging")
    client.set_registered_model_alias("churn model", "champion", "3")
    client.create_registered_model("empty")


def more() -> None:
    """What happened after a first migration."""
    client = MlflowClient()
    mlflow.set_experiment("churn")
    with mlflow.start_run(run_name="later"):
        mlflow.log_metric("loss", 0.1)
        mlflow.log_text("new", "new.txt")
    churn = client.get_experiment_by_name("churn").experiment_id
    (running,) = client.search_runs([churn], "attributes.run_name = 'still going'")
    client.log_metric(running.info.run_id, "loss", 0.25, step=9)
    client.set_tag(running.info.run_id, "late", "yes")
    client.set_terminated(running.info.run_id)
    client.set_registered_model_alias("churn model", "champion", "4")


def tell() -> None:
    """All that the client reads, in one order, printed as JSON."""
    client = MlflowClient()
    experiments = client.search_experiments(ViewType.ALL)
    runs = client.search_runs(
        [e.experiment_id for e in experiments], run_view_type=ViewType.ALL, max_results=50_000
    )
    models = client.search_logged_models([e.experiment_id for e in experiments])
    told = {
        "experiments": {e.name: [e.lifecycle_stage, e.tags, e.creation_time] for e in experiments},
        # A search leaves out the logged models that a run took.
        "runs": {
            r.info.run_id: run_told(client, client.get_run(r.info.run_id), experiments)
            for r in runs
        },
        "models": {m.model_id: model_told(client, m) for m in models},
        "registry": {m.name: registered_told(client, m) for m in client.search_registered_models()},
    }
    print("TOLD " + json.dumps(told, sort_keys=True))


def run_told(client: MlflowClient, run: Any, experiments: Any) -> Any:
    info, data = run.info, run.data
    (home,) = [e.name for e in experiments if e.experiment_id == info.experiment_id]
    curves = {
        key: sorted([m.step, m.timestamp, repr(m.value)] for m in client.get_metric_history(info.run_id, key))
        for key in data.metrics
    }  # fmt: skip
    return {
        "home": home,
        "info": [info.run_name, info.status, info.start_time, info.end_time, info.lifecycle_stage, info.user_id],
        "params": data.params,
        "tags": data.tags,
        "latest": {k: repr(v) for k, v in data.metrics.items()},
        "curves": curves,
        "inputs": sorted([[i.dataset.to_dictionary(), {t.key: t.value for t in i.tags}] for i in run.inputs.dataset_inputs], key=repr),
        "model_inputs": sorted(i.model_id for i in run.inputs.model_inputs or ()),
        "model_outputs": sorted([o.model_id, o.step] for o in (run.outputs.model_outputs if run.outputs else ())),
        "files": files_told(lambda path: client.list_artifacts(info.run_id, path), lambda path: client.download_artifacts(info.run_id, path)),
    }  # fmt: skip


def files_told(listing: Any, download: Any, path: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in listing(path):
        if entry.is_dir:
            found |= files_told(listing, download, entry.path)
        else:
            found[entry.path] = Path(download(entry.path)).read_bytes().hex()
    return found


def model_told(client: MlflowClient, model: Any) -> Any:
    metrics = [[m.key, repr(m.value), m.step, m.timestamp, m.dataset_name, m.dataset_digest, m.run_id] for m in model.metrics or ()]  # fmt: skip
    return {
        "info": [model.name, model.model_type, str(model.status), model.source_run_id, model.creation_timestamp],
        "tags": model.tags,
        "params": model.params,
        "metrics": sorted(metrics, key=repr),
        "files": folder_told(Path(mlflow.artifacts.download_artifacts(f"models:/{model.model_id}"))),
    }  # fmt: skip


def registered_told(client: MlflowClient, model: Any) -> Any:
    versions = client.search_model_versions(f"name = '{model.name}'")
    return {
        "about": [model.description or "", model.tags, {a: str(v) for a, v in model.aliases.items()}],
        "versions": {
            str(v.version): [v.description or "", v.current_stage, v.tags, v.run_id or "", v.model_id or "", version_files(model.name, v)]
            for v in versions
        },
    }  # fmt: skip


def version_files(name: str, version: Any) -> dict[str, str]:
    return folder_told(
        Path(mlflow.artifacts.download_artifacts(f"models:/{name}/{version.version}"))
    )


def folder_told(folder: Path) -> dict[str, str]:
    files = [p for p in folder.rglob("*") if p.is_file() and p.name != "registered_model_meta"]
    return {p.relative_to(folder).as_posix(): p.read_bytes().hex() for p in files}


if __name__ == "__main__":
    mlflow.set_tracking_uri(sys.argv[2])
    {"write": write, "more": more, "tell": tell}[sys.argv[1]]()
