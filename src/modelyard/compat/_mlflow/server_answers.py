"""What MLflow's REST answers, as what a source tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from modelyard.compat._mlflow.interface import (
    PARENT,
    RUN_NAME,
    FoundModel,
    FoundRun,
    FoundVersion,
    Home,
    Registered,
    in_contexts,
    latest_of,
    model_id_of,
    number_of,
    run_id_of,
    status_of,
)
from modelyard.tracking.interface import Context, Input, LoggedModel, Metric, ModelLink, Run

Told = Mapping[str, Any]


def pairs(told: Any) -> dict[str, str]:
    """Tags or params."""
    return {one["key"]: one.get("value", "") for one in told or ()}


def home(told: Told) -> Home:
    """An experiment."""
    return Home(
        str(told["experiment_id"]),
        told["name"],
        told.get("lifecycle_stage") == "deleted",
        int(told.get("creation_time", 0)),
        told.get("artifact_location", ""),
        pairs(told.get("tags")),
    )


def metric(told: Told) -> Metric:
    """A point."""
    context = Context(
        model_id_of(told["model_id"]) if told.get("model_id") else "",
        told.get("dataset_name", ""),
        told.get("dataset_digest", ""),
    )
    value = number_of(float(told.get("value", 0.0)))
    at_ms, step = int(told.get("timestamp", 0)), int(told.get("step", 0))
    return Metric(told["key"], value, at_ms, step, context)


def run(told: Told, home: Home) -> FoundRun:
    """A run with its latest points."""
    info, data = told["info"], told.get("data", {})
    tags, inputs = pairs(data.get("tags")), told.get("inputs", {})
    made = told.get("outputs", {}).get("model_outputs", ())
    found = Run(
        info.get("run_id") or info["run_uuid"],
        0,
        info.get("run_name") or tags.get(RUN_NAME, ""),
        status_of(info.get("status")),
        info.get("user_id", ""),
        int(info.get("start_time", 0)),
        int(info["end_time"]) if info.get("end_time") else None,
        parent_run_id=tags.get(PARENT) or None,
        metrics=latest_of([metric(one) for one in data.get("metrics", ())]),
        params=pairs(data.get("params")),
        tags=tags,
        inputs=[_input(one) for one in inputs.get("dataset_inputs", ())],
        model_inputs=[ModelLink(one["model_id"]) for one in inputs.get("model_inputs", ())],
        model_outputs=[ModelLink(one["model_id"], int(one.get("step", 0))) for one in made],
    )
    deleted = info.get("lifecycle_stage") == "deleted"
    return FoundRun(found, home.id, deleted, info.get("artifact_uri", ""))


def with_contexts(found: FoundRun, contexts: Sequence[Metric]) -> FoundRun:
    """A run whose points say what they were measured of."""
    points = latest_of(in_contexts(found.run.metrics, contexts))
    return replace(found, run=replace(found.run, metrics=points))


def _input(told: Told) -> Input:
    names = ("name", "digest", "source_type", "source", "schema", "profile")
    return Input(*(told["dataset"].get(n, "") for n in names), tags=pairs(told.get("tags")))


def model(told: Told, home: Home) -> FoundModel:
    """A logged model."""
    info, data = told["info"], told.get("data", {})
    source = info.get("source_run_id")
    points = [(one.get("run_id", ""), metric({"model_id": info["model_id"], **one})) for one in data.get("metrics", ())]  # fmt: skip
    found = LoggedModel(
        info["model_id"],
        0,
        info.get("name", ""),
        info.get("model_type", ""),
        run_id_of(source) if source else None,
        str(info.get("status", "PENDING")).removeprefix("LOGGED_MODEL_"),
        info.get("status_message", ""),
        int(info.get("creation_timestamp_ms", 0)),
        int(info.get("last_updated_timestamp_ms", 0)),
        params=pairs(data.get("params")),
        tags=pairs(info.get("tags")),
        metrics=points,
    )
    return FoundModel(found, home.id, files=info.get("artifact_uri", ""))


def registered(told: Told, versions: Sequence[Told]) -> Registered:
    """A registered model with its versions."""
    return Registered(
        told["name"],
        told.get("description", ""),
        int(told.get("creation_timestamp", 0)),
        pairs(told.get("tags")),
        {one["alias"]: int(one["version"]) for one in told.get("aliases", ())},
        sorted(map(_version, versions), key=lambda version: version.number),
    )


def _version(told: Told) -> FoundVersion:
    return FoundVersion(
        int(told["version"]),
        told.get("source", ""),
        run_id=told.get("run_id", ""),
        run_link=told.get("run_link", ""),
        model_id=told.get("model_id", ""),
        description=told.get("description", ""),
        stage=told.get("current_stage", "None"),
        status=told.get("status", "READY"),
        user=told.get("user_id", ""),
        created_ms=int(told.get("creation_timestamp", 0)),
        tags=pairs(told.get("tags")),
    )
