"""What trackers keep, as a hub tells it and takes it: JSON both ways, numbers exact.

JSON has no NaN and no infinities: they are texts.

>>> number_to(float("inf")), float("-Infinity")
('Infinity', -inf)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.base.clock import from_rfc3339
from modelyard.tracking.interface import (
    NOTHING,
    Batch,
    Bucket,
    Columns,
    Context,
    Experiment,
    Input,
    LoggedModel,
    Metric,
    ModelLink,
    Run,
    Search,
    Status,
)

Told = Mapping[str, Any]

MOST_ON_A_PAGE = 1000
"""What a hub gives at once; a longer page comes as several."""


def moment_from(text: str | None) -> int | None:
    """Milliseconds of a time as a hub tells it: RFC 3339, or itself in milliseconds where that cannot say it."""
    if not text:
        return None
    return int(text) if text.removeprefix("-").isdecimal() else from_rfc3339(text)


def number_to(value: Any) -> Any:
    """A metric's value as it is sent; what is no number stays what it is, and is refused over there."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    exact = float(value)
    if math.isfinite(exact):
        return exact
    return "NaN" if math.isnan(exact) else "Infinity" if exact > 0 else "-Infinity"


# Told


def experiment_from(told: Told) -> Experiment:
    """An experiment as a hub tells it."""
    return Experiment(
        id=told["id"],
        name=told["name"],
        created_ms=moment_from(told["created_at"]) or 0,
        updated_ms=moment_from(told["updated_at"]) or 0,
        deleted_ms=moment_from(told["deleted_at"]),
        artifact_location=told["artifact_location"],
        tags=told["tags"],
    )


def metric_from(told: Told) -> Metric:
    """A point as a hub tells it."""
    return Metric(
        told["key"],
        float(told["value"]),
        moment_from(told["at"]) or 0,
        told["step"],
        Context(told["model_id"], told["dataset_name"], told["dataset_digest"]),
    )


def run_from(told: Told) -> Run:
    """A run as a hub tells it."""
    return Run(
        run_id=told["run_id"],
        experiment_id=told["experiment_id"],
        name=told["name"],
        status=Status(told["status"]),
        user=told["user"],
        started_ms=moment_from(told["started_at"]) or 0,
        ended_ms=moment_from(told["ended_at"]),
        changed_ms=moment_from(told["changed_at"]) or 0,
        deleted_ms=moment_from(told["deleted_at"]),
        parent_run_id=told["parent_run_id"],
        metrics=[metric_from(point) for point in told["metrics"]],
        params=told["params"],
        tags=told["tags"],
        inputs=[_input_from(one) for one in told["inputs"]],
        model_inputs=_links_from(told["model_inputs"]),
        model_outputs=_links_from(told["model_outputs"]),
    )


def _input_from(told: Told) -> Input:
    return Input(
        told["name"],
        told["digest"],
        told["source_type"],
        told["source"],
        told["schema"],
        told["profile"],
        told["tags"],
    )


def model_from(told: Told) -> LoggedModel:
    """A logged model as a hub tells it."""
    return LoggedModel(
        model_id=told["model_id"],
        experiment_id=told["experiment_id"],
        name=told["name"],
        type=told["type"],
        run_id=told["run_id"],
        status=told["status"],
        status_message=told["status_message"],
        created_ms=moment_from(told["created_at"]) or 0,
        updated_ms=moment_from(told["updated_at"]) or 0,
        deleted_ms=moment_from(told["deleted_at"]),
        params=told["params"],
        tags=told["tags"],
        metrics=[(point["run_id"], metric_from(point)) for point in told["metrics"]],
    )


def bucket_from(told: Told) -> Bucket:
    """A part of a curve as a hub tells it."""
    return Bucket(
        told["first_step"],
        told["last_step"],
        float(told["low"]),
        float(told["high"]),
        told["count"],
    )


# Both ways


def batch_from(sent: Told) -> Batch:
    """A batch as it is sent."""
    return Batch(
        metrics=[_metric_sent(point) for point in sent["metrics"]],
        params=sent["params"],
        tags=sent["tags"],
        inputs=[_input_from(one) for one in sent["inputs"]],
        model_inputs=_links_from(sent["model_inputs"]),
        model_outputs=_links_from(sent["model_outputs"]),
    )


def _metric_sent(sent: Told) -> Metric:
    context = (
        sent.get("model_id", ""),
        sent.get("dataset_name", ""),
        sent.get("dataset_digest", ""),
    )
    return Metric(
        sent["key"],
        float(sent["value"]),
        sent["at"],
        sent["step"],
        Context(*context) if any(context) else NOTHING,
    )


def _links_from(links: Sequence[Told]) -> list[ModelLink]:
    return [ModelLink(link["model_id"], link["step"]) for link in links]


# Sent


def batch_to(batch: Batch) -> dict[str, Any]:
    """A batch as a hub takes it."""
    return {
        "metrics": [_metric_to(metric) for metric in batch.metrics],
        "params": dict(batch.params),
        "tags": dict(batch.tags),
        "inputs": [_input_to(one) for one in batch.inputs],
        "model_inputs": _links_to(batch.model_inputs),
        "model_outputs": _links_to(batch.model_outputs),
    }


def _metric_to(metric: Metric) -> dict[str, Any]:
    sent = {
        "key": metric.key,
        "value": number_to(metric.value),
        "at": metric.at_ms,
        "step": metric.step,
    }
    return sent if metric.context == Context() else {**sent, **context_to(metric.context)}


def context_to(context: Context) -> dict[str, str]:
    """All three words, which may be empty: of the run alone."""
    return {
        "model_id": context.model_id,
        "dataset_name": context.dataset_name,
        "dataset_digest": context.dataset_digest,
    }


def _input_to(one: Input) -> dict[str, Any]:
    return {
        "name": one.name,
        "digest": one.digest,
        "source_type": one.source_type,
        "source": one.source,
        "schema": one.schema,
        "profile": one.profile,
        "tags": dict(one.tags),
    }


def _links_to(links: Sequence[ModelLink]) -> list[dict[str, Any]]:
    return [{"model_id": link.model_id, "step": link.step} for link in links]


def search_to(search: Search) -> dict[str, Any]:
    """A question as a hub takes it."""
    return {
        "filter": search.filter,
        "order_by": list(search.order_by),
        "experiments": None if search.experiments is None else list(search.experiments),
        "view": search.view.value,
        "limit": min(search.limit, MOST_ON_A_PAGE),
        "page": search.page,
        "columns": columns_to(search.columns),
    }


def columns_to(columns: Columns) -> dict[str, Any]:
    """Which values of runs are wanted, as a hub takes it."""
    return {
        "metrics": None if columns.metrics is None else list(columns.metrics),
        "params": None if columns.params is None else list(columns.params),
        "tags": None if columns.tags is None else list(columns.tags),
        "inputs": columns.inputs,
    }
