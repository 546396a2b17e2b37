"""Runs to look at, logged through REST."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx2

API = "/api/v1"


def experiment(rest: httpx2.Client, name: str) -> int:
    """A new experiment's id."""
    answer = rest.post(f"{API}/experiments", json={"name": name})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def add_run(
    rest: httpx2.Client,
    experiment_id: int,
    name: str,
    *,
    metrics: Mapping[str, Any] | None = None,
    curves: Mapping[str, Sequence[float]] | None = None,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    files: Mapping[str, bytes] | None = None,
    status: str = "FINISHED",
) -> str:
    """A run's id. ``curves`` are logged from step 1 on."""
    begun = rest.post(f"{API}/runs", json={"experiment_id": experiment_id, "name": name})
    assert begun.status_code == 201, begun.text
    run = begun.json()["run_id"]
    points = [{"key": key, "value": value} for key, value in (metrics or {}).items()]
    for key, values in (curves or {}).items():
        points += [{"key": key, "value": told(v), "step": n} for n, v in enumerate(values, 1)]
    batch = {"metrics": points, "params": dict(params or {}), "tags": dict(tags or {})}
    rest.post(f"{API}/runs/{run}/batch", json=batch).raise_for_status()
    for path, data in (files or {}).items():
        put = rest.put(f"{API}/artifacts/run:{run}/{quote(path)}", content=data)
        assert put.status_code == 201, put.text
    if status != "RUNNING":
        rest.patch(f"{API}/runs/{run}", json={"status": status}).raise_for_status()
    return run


def told(value: float) -> float | str:
    """A number as JSON has it."""
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    return words.get(repr(value), value)
