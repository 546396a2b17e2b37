"""Calls as clients make them, one after the other, and what is compared of the answers."""

from __future__ import annotations

from typing import Any

import httpx2

API = "/api/2.0/mlflow/"
METRIC = {"key": "m", "value": 1.5, "timestamp": 5, "step": 2}
DATASET = {"name": "d", "digest": "1", "source_type": "local", "source": "{}"}

CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "experiments/create", {"name": "raw", "tags": [{"key": "a", "value": "b"}]}),
    ("POST", "experiments/create", {"name": "raw"}),
    ("POST", "experiments/create", {}),
    ("GET", "experiments/get", {"experiment_id": "{experiment_id}"}),
    ("GET", "experiments/get", {"experiment_id": "4711"}),
    ("GET", "experiments/get-by-name", {"experiment_name": "raw"}),
    ("GET", "experiments/get-by-name", {"experiment_name": "none"}),
    ("POST", "experiments/search", {"filter": "name = 'raw'", "max_results": 5}),
    ("POST", "runs/create", {"experiment_id": "{experiment_id}", "user_id": "ann", "run_name": "r", "start_time": 1}),
    ("POST", "runs/log-metric", {"run_id": "{run_id}", **METRIC}),
    ("POST", "runs/log-metric", {"run_id": "{run_id}", "key": "n", "value": "NaN", "timestamp": "6", "step": "1"}),
    ("POST", "runs/log-metric", {"run_id": "{run_id}", "key": "n"}),
    ("POST", "runs/log-metric", {"key": "n"}),
    ("POST", "runs/log-metric", {"run_id": 31}),
    ("POST", "runs/log-parameter", {"run_uuid": "{run_id}", "run_id": "{run_id}", "key": "p", "value": "1"}),
    ("POST", "runs/log-parameter", {"run_id": "{run_id}", "key": "p", "value": "2"}),
    ("POST", "runs/log-parameter", {"run_id": "{run_id}", "key": "../p", "value": "2"}),
    ("POST", "runs/set-tag", {"run_id": "{run_id}", "key": "t", "value": "1"}),
    ("POST", "runs/delete-tag", {"run_id": "{run_id}", "key": "none"}),
    ("POST", "runs/log-batch", {"run_id": "{run_id}", "metrics": [METRIC], "params": [], "tags": []}),
    ("POST", "runs/log-batch", {"run_id": "{run_id}", "metrics": [{"key": "m"}]}),
    ("POST", "runs/log-inputs", {"run_id": "{run_id}", "datasets": [{"dataset": DATASET, "tags": [{"key": "mlflow.data.context", "value": "eval"}]}]}),
    ("POST", "runs/update", {"run_id": "{run_id}", "status": "FINISHED", "end_time": 9}),
    ("GET", "runs/get", {"run_id": "{run_id}"}),
    ("GET", "runs/get", {"run_id": "0" * 32}),
    ("GET", "runs/get", {}),
    ("POST", "runs/search", {"experiment_ids": ["{experiment_id}"], "filter": "metrics.m > 1"}),
    ("POST", "runs/search", {"experiment_ids": ["{experiment_id}"], "max_results": 50001}),
    ("POST", "runs/search", {"experiment_ids": ["{experiment_id}"], "filter": "metrics.m >"}),
    ("POST", "runs/search", {}),
    ("GET", "metrics/get-history", {"run_id": "{run_id}", "metric_key": "m"}),
    ("GET", "metrics/get-history", {"run_id": "{run_id}"}),
    ("GET", "artifacts/list", {"run_id": "{run_id}"}),
    ("GET", "artifacts/list", {"run_id": "{run_id}", "path": "../x"}),
    ("POST", "logged-models", {"experiment_id": "{experiment_id}", "name": "lm", "params": [{"key": "a", "value": "1"}]}),
    ("PATCH", "logged-models/{model_id}", {"model_id": "{model_id}", "status": "LOGGED_MODEL_READY"}),
    ("GET", "logged-models/{model_id}", {}),
    ("GET", "logged-models/m-none", {}),
    ("POST", "logged-models/search", {"experiment_ids": ["{experiment_id}"]}),
    ("POST", "runs/delete", {"run_id": "{run_id}"}),
    ("POST", "runs/log-metric", {"run_id": "{run_id}", **METRIC}),
    ("POST", "registered-models/create", {"name": "raw", "description": "d", "tags": [{"key": "a", "value": "b"}]}),
    ("POST", "registered-models/create", {"name": "raw"}),
    ("POST", "registered-models/create", {"name": "a/b"}),
    ("GET", "registered-models/get", {"name": "raw"}),
    ("GET", "registered-models/get", {"name": "none"}),
    ("GET", "registered-models/search", {"filter": "name = 'raw'"}),
    ("GET", "registered-models/search", {"filter": "name = 'none'"}),
    ("GET", "registered-models/search", {"max_results": 1001}),
    ("GET", "registered-models/alias", {"name": "raw", "alias": "none"}),
    ("DELETE", "registered-models/alias", {"name": "raw", "alias": "none"}),
    ("GET", "model-versions/get", {"name": "raw", "version": "1"}),
    ("GET", "model-versions/get", {"name": "raw", "version": "x"}),
    ("GET", "model-versions/search", {"filter": "name = 'raw'"}),
    ("POST", "registered-models/rename", {"name": "raw", "new_name": "cooked"}),
    ("PATCH", "registered-models/update", {"name": "cooked", "description": "other"}),
    ("DELETE", "registered-models/delete", {"name": "cooked"}),
]  # fmt: skip

_OWN = {
    "run_id", "run_uuid", "experiment_id", "model_id", "artifact_uri", "artifact_location", "root_uri", "creation_time", "last_update_time",
    "creation_timestamp", "last_updated_timestamp", "creation_timestamp_ms", "last_updated_timestamp_ms", "next_page_token",
}  # fmt: skip
"""Fields whose values are each server's own."""


def answers(url: str) -> list[tuple[int, Any]]:
    """The status and what is compared of each answer. Ids of what was made go into later calls."""
    known: dict[str, str] = {}
    found: list[tuple[int, Any]] = []
    with httpx2.Client(base_url=url, timeout=60) as client:
        for method, path, fields in CALLS:
            sent = {name: _filled(value, known) for name, value in fields.items()}
            query, body = (sent, None) if method == "GET" else (None, sent)
            got = client.request(method, API + _filled(path, known), params=query, json=body)
            _remember(got.json(), known)
            found.append((got.status_code, compared(got.json())))
    return found


def _filled(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled(one, known) for one in value]
    for name, text in known.items() if isinstance(value, str) else ():
        value = value.replace(f"{{{name}}}", text)
    return value


def _remember(answer: Any, known: dict[str, str]) -> None:
    info = answer.get("run", answer.get("model", {})).get("info", answer)
    for name in ("experiment_id", "run_id", "model_id"):
        if isinstance(info.get(name), str):
            known[name] = info[name]


def compared(value: Any, name: str = "") -> Any:
    """Everything but ids and times; of an error its code. What is empty counts as not sent: clients read it the same."""
    if name in _OWN:
        return type(value).__name__
    if isinstance(value, dict):
        if "error_code" in value:
            return value["error_code"]
        there = {k: v for k, v in value.items() if v not in ("", {}) and k != "workspace"}
        return {key: compared(inner, key) for key, inner in sorted(there.items())}
    if isinstance(value, list):
        return sorted((compared(inner, name) for inner in value), key=repr)
    return value
