"""What runs log: metrics, params, tags, data sets and models. Each call is one transaction, whole or not at all."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

from modelyard.base.errors import Conflict
from modelyard.compat.mlflow_rest.errors import Refusal, alive, param_refused
from modelyard.compat.mlflow_rest.routing import BATCH, LARGE, Endpoint
from modelyard.compat.mlflow_rest.runs import RUN_NAME
from modelyard.compat.mlflow_rest.wire import (
    INT64,
    Call,
    float_of,
    integer_of,
    invalid,
    missing,
    pairs_of,
)
from modelyard.tracking.interface import NOTHING, Batch, Context, Input, Metric, ModelLink

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard

MOST_METRICS, MOST_PARAMS, MOST_TAGS, MOST = 1000, 100, 100, 1000
HISTORY = "mlflow.log-model.history"

_KEY = re.compile(r"[/\w.\- :]+")
_FIELDS = itemgetter("key", "value", "timestamp", "step")
_TYPES = [{str}, {float}, {int}, {int}]


def checked_key(key: str, path: str) -> str:
    """A key that MLflow takes: it may become the name of a file somewhere."""
    if not _KEY.fullmatch(key):
        raise invalid(
            path,
            key,
            "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.),"
            " spaces ( ), colon(:) and slashes (/).",
        )
    plain = posixpath.normpath(key)
    if plain != key or plain == "." or plain.startswith(("..", "/")):
        raise invalid(
            path,
            key,
            "Names may be treated as files in certain cases, and must not resolve to other names"
            f" when treated as such. This name would resolve to '{plain}'",
        )
    return key


def write(yard: Yard, run_id: str, batch: Batch) -> None:
    """Keep a batch, in MLflow's words when that cannot be."""
    with alive("run", run_id):
        try:
            yard.tracker.write(run_id, batch)
        except Conflict as error:
            if error.details.get("deleted"):
                raise
            raise param_refused(error, f"run ID='{run_id}'") from error
        if name := batch.tags.get(RUN_NAME):
            yard.tracker.update_run(run_id, name=name)


def metric_of(item: Mapping[str, Any], path: str, keys: set[str]) -> Metric:
    """One point as a client sends it. ``keys`` are those that were looked at."""
    key, value, at = item.get("key"), item.get("value"), item.get("timestamp")
    if not key:
        raise missing(f"{path}key")
    if not isinstance(key, str):
        raise invalid(f"{path}key", key)
    if key not in keys:
        keys.add(checked_key(key, f"{path}name"))
    if type(value) is not float:
        if value is None or value == "":
            raise missing(f"{path}value")
        value = float_of(f"{path}value", value)
    if type(at) is not int or not 0 <= at < INT64:
        if at is None or at == "":
            raise missing(f"{path}timestamp")
        at = integer_of(f"{path}timestamp", at)
        if at < 0:
            raise invalid(f"{path}timestamp", at, " Timestamp must be a nonnegative long (64-bit integer).")  # fmt: skip
    step = item.get("step", 0)
    if type(step) is not int or not -INT64 <= step < INT64:
        step = integer_of(f"{path}step", step or 0)
    context = _context(item)
    return Metric(key, value, at, step, context) if context else Metric(key, value, at, step)


def _metrics(items: Sequence[Mapping[str, Any]]) -> list[Metric]:
    """Many points: all of the usual shape by a shorter way, as there may be a hundred thousand a second."""
    usual = _usual(items)
    if usual is not None:
        return usual
    keys: set[str] = set()
    return [metric_of(item, f"metrics[{at}].", keys) for at, item in enumerate(items)]


def _usual(items: Sequence[Mapping[str, Any]]) -> list[Metric] | None:
    """The points when each has four fields of the right types with values that fit; judged by column, not by point."""
    if set(map(len, items)) != {4}:
        return None
    try:
        keys, values, times, steps = zip(*map(_FIELDS, items), strict=True)
        names = set(keys)
    except (KeyError, TypeError):
        return None
    types = [set(map(type, column)) for column in (names, values, times, steps)]
    if types != _TYPES or min(times) < 0 or max(times) >= INT64:
        return None
    if min(steps) < -INT64 or max(steps) >= INT64:
        return None
    try:
        for name in names:
            checked_key(name, "")
    except Refusal:
        return None  # whoever goes point by point says which
    # As `Metric` makes one, without a call of Python for each.
    made = partial(tuple.__new__, Metric)
    return list(map(made, zip(keys, values, times, steps, repeat(NOTHING))))


def _context(item: Mapping[str, Any]) -> Context | None:
    model, name, digest = item.get("model_id"), item.get("dataset_name"), item.get("dataset_digest")
    if not model and not name and not digest:
        return None
    for field in ("model_id", "dataset_name", "dataset_digest"):
        if not isinstance(item.get(field) or "", str):
            raise invalid(field, item[field])
    return Context(model or "", name or "", digest or "")


def log_metric(yard: Yard, call: Call) -> dict[str, Any]:
    """One point."""
    run_id = call.run_id()
    write(yard, run_id, Batch(metrics=[metric_of(call.fields, "", set())]))
    return {}


def log_param(yard: Yard, call: Call) -> dict[str, Any]:
    """One param."""
    run_id, key = call.run_id(), checked_key(call.text("key", needed=True), "key")
    write(yard, run_id, Batch(params={key: call.text("value")}))
    return {}


def set_tag(yard: Yard, call: Call) -> dict[str, Any]:
    """One tag."""
    run_id, key = call.run_id(), checked_key(call.text("key", needed=True), "key")
    write(yard, run_id, Batch(tags={key: call.text("value")}))
    return {}


def delete_tag(yard: Yard, call: Call) -> dict[str, Any]:
    """A tag away; an error when it is not there."""
    run_id, key = call.run_id(), call.text("key", needed=True)
    with alive("run", run_id):
        if key not in yard.tracker.run(run_id).tags:
            raise Refusal(f"No tag with name: {key} in run with id {run_id}", "RESOURCE_DOES_NOT_EXIST")  # fmt: skip
    write(yard, run_id, Batch(tags={key: None}))
    return {}


def log_batch(yard: Yard, call: Call) -> dict[str, Any]:
    """Many at once, within the limits that clients keep to."""
    run_id = call.run_id()
    sent, params, tags = call.items("metrics"), call.items("params"), call.items("tags")
    for what, count, most in (
        ("metrics", len(sent), MOST_METRICS),
        ("params", len(params), MOST_PARAMS),
        ("tags", len(tags), MOST_TAGS),
        ("metrics, params, and tags", len(sent) + len(params) + len(tags), MOST),
    ):
        if count > most:
            raise Refusal(
                f"A batch logging request can contain at most {most} {what}. Got {count} {what}. "
                f"Please split up {what} across multiple requests and try again."
            )
    batch = Batch(metrics=_metrics(sent), params=_params(params), tags=_checked("tags", tags))
    if sent or params or tags:
        write(yard, run_id, batch)
    else:
        with alive("run", run_id):
            yard.tracker.run(run_id)
    return {}


def _checked(name: str, items: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    found = pairs_of(name, items)
    for at, key in enumerate(found):
        checked_key(key, f"{name}[{at}].key")
    return found


def _params(items: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    found = _checked("params", items)
    if len(found) < len(items):
        keys = [item.get("key") for item in items]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        raise Refusal(
            f"Duplicate parameter keys have been submitted: {twice}. Please ensure "
            "the request contains only one param value per param key."
        )
    return found


def log_inputs(yard: Yard, call: Call) -> dict[str, Any]:
    """Data sets and models that a run took."""
    run_id = call.run_id()
    inputs = [_input(item, at) for at, item in enumerate(call.items("datasets"))]
    write(yard, run_id, Batch(inputs=inputs, model_inputs=_links(call.items("models"))))
    return {}


def _input(item: Mapping[str, Any], at: int) -> Input:
    dataset = item.get("dataset")
    if not isinstance(dataset, dict):
        raise missing(f"datasets[{at}].dataset")
    dataset = cast(dict[str, Any], dataset)
    values = {f: dataset.get(f) or "" for f in ("name", "digest", "source_type", "source", "schema", "profile")}  # fmt: skip
    for field, value in values.items():
        if not isinstance(value, str):
            raise invalid(f"datasets[{at}].dataset.{field}", value)
    for field in ("name", "digest", "source_type", "source"):
        if not values[field]:
            raise missing(f"datasets[{at}].dataset.{field}")
    tags = item.get("tags") or []
    if not isinstance(tags, list):
        raise invalid(f"datasets[{at}].tags", tags)
    return Input(**values, tags=pairs_of(f"datasets[{at}].tags", cast(list[Any], tags)))


def _links(items: Iterable[Mapping[str, Any]]) -> list[ModelLink]:
    found: list[ModelLink] = []
    for at, item in enumerate(items):
        model_id = item.get("model_id")
        if not isinstance(model_id, str) or not model_id:
            raise missing(f"models[{at}].model_id")
        found.append(ModelLink(model_id, integer_of(f"models[{at}].step", item.get("step") or 0)))
    return found


def log_outputs(yard: Yard, call: Call) -> dict[str, Any]:
    """Models that a run made."""
    run_id = call.run_id()
    models = call.items("models")
    if not models:
        raise missing("models")
    write(yard, run_id, Batch(model_outputs=_links(models)))
    return {}


def log_model(yard: Yard, call: Call) -> dict[str, Any]:
    """As clients before MLflow 3 note a model: in a tag."""
    run_id, text = call.run_id(), call.text("model_json", needed=True)
    try:
        model = json.loads(text)
    except (ValueError, RecursionError):
        raise Refusal(f"Malformed model info. \n {text[:200]} \n is not a valid JSON.") from None
    needed = {"artifact_path", "flavors", "utc_time_created", "run_id"}
    lacking = needed - set(model if isinstance(model, dict) else ())
    if lacking:
        raise Refusal(f"Model json is missing mandatory fields: {lacking}")
    with alive("run", run_id):
        known = yard.tracker.run(run_id).tags.get(HISTORY, "[]")
    history = json.dumps([*json.loads(known), model])
    write(yard, run_id, Batch(tags={HISTORY: history}))
    return {}


ENDPOINTS = [
    Endpoint("POST", "runs/log-metric", "run.write", log_metric),
    Endpoint("POST", "runs/log-parameter", "run.write", log_param, BATCH),
    Endpoint("POST", "runs/set-tag", "run.write", set_tag, BATCH),
    Endpoint("POST", "runs/delete-tag", "run.write", delete_tag),
    Endpoint("POST", "runs/log-batch", "run.write", log_batch, BATCH),
    Endpoint("POST", "runs/log-inputs", "run.write", log_inputs, LARGE),
    Endpoint("POST", "runs/outputs", "run.write", log_outputs),
    Endpoint("POST", "runs/log-model", "run.write", log_model, BATCH),
]
