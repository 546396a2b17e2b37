"""The history of metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from modelyard.compat.mlflow_rest.errors import Refusal, told
from modelyard.compat.mlflow_rest.routing import Endpoint
from modelyard.compat.mlflow_rest.runs import metric_fields
from modelyard.compat.mlflow_rest.wire import Call, given, missing
from modelyard.tracking.interface import Metric

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard

PAGE = 25_000
RUNS = 100
INTERVAL = 2500


def history(yard: Yard, call: Call) -> dict[str, Any]:
    run_id, key = call.run_id(), call.text("metric_key", needed=True)
    if call.has("max_results") and call.integer("max_results") <= 0:
        raise Refusal(
            f"Invalid value {call.integer('max_results')} for parameter 'max_results' supplied. "
            "It must be a positive integer."
        )
    if not call.has("max_results") and not call.has("page_token"):
        return given(metrics=[metric_fields(m) for m in _all(yard, run_id, key)])
    with told("run", run_id):
        page = yard.tracker.history(
            run_id,
            key,
            limit=min(call.integer("max_results", PAGE), PAGE),
            page=call.text("page_token") or None,
        )
    return given(metrics=[metric_fields(m) for m in once(page.items)], next_page_token=page.next)


def _all(yard: Yard, run_id: str, key: str) -> Iterator[Metric]:
    page: str | None = None
    while True:
        with told("run", run_id):
            got = yard.tracker.history(run_id, key, limit=PAGE, page=page)
        yield from once(got.items)
        page = got.next
        if page is None:
            return


def once(metrics: Iterable[Metric]) -> Iterator[Metric]:
    """Points without those that were logged a second time, of a model or data set: to the run they are the same."""
    seen: set[tuple[int, int, str]] = set()
    for metric in metrics:
        point = (metric.step, metric.at_ms, repr(metric.value))
        if point not in seen:
            seen.add(point)
            yield metric


def _runs(call: Call, name: str) -> list[str]:
    found = call.texts(name)
    if not found:
        raise missing(name)
    if len(found) > RUNS:
        raise Refusal(
            f"The request must specify at most {RUNS} {name}s. Received {len(found)} {name}s."
        )
    return found


def _key(call: Call) -> str:
    return call.text("metric_key", needed=True)


def bulk(yard: Yard, call: Call) -> dict[str, Any]:
    """Whole histories of some runs."""
    key, most = _key(call), min(call.integer("max_results", PAGE, low=1), PAGE)
    found: list[dict[str, Any]] = []
    for run_id in sorted(_runs(call, "run_id")):
        found += [{**metric_fields(m), "run_id": run_id} for m in _all(yard, run_id, key)]
        if len(found) >= most:
            break
    return {"metrics": found[:most]}


def interval(yard: Yard, call: Call) -> dict[str, Any]:
    """A sample of the steps between two, of some runs; the first and last step of each are always in it."""
    run_ids, key = _runs(call, "run_ids"), _key(call)
    most = call.integer("max_results", INTERVAL)
    if not 1 <= most <= INTERVAL:
        raise Refusal(f"max_results must be between 1 and {INTERVAL}.")
    bounds = call.has("start_step"), call.has("end_step")
    if any(bounds) and not all(bounds):
        raise Refusal("If either start step or end step are specified, both must be specified.")
    first, last = call.integer("start_step"), call.integer("end_step")
    if first > last:
        raise Refusal(
            "end_step must be greater than start_step. "
            f"Found start_step={first} and end_step={last}."
        )
    points = {
        run_id: [m for m in _all(yard, run_id, key) if not all(bounds) or first <= m.step <= last]
        for run_id in run_ids
    }
    chosen = _steps([sorted({m.step for m in own}) for own in points.values()], most)
    return given(
        metrics=[
            {**metric_fields(m), "run_id": run_id}
            for run_id, own in points.items()
            for m in sorted(own, key=lambda m: (m.step, m.at_ms))
            if m.step in chosen
        ]
    )


def _steps(runs: Sequence[Sequence[int]], most: int) -> set[int]:
    """Evenly spread steps of all runs, and the first and last of each."""
    steps = sorted({step for own in runs for step in own})
    if len(steps) > most:
        steps = [steps[i * len(steps) // most] for i in range(most)]
    return {*steps, *(own[0] for own in runs if own), *(own[-1] for own in runs if own)}


ENDPOINTS = [
    Endpoint("GET", "metrics/get-history", "run.read", history),
    Endpoint("GET", "metrics/get-history-bulk", "run.read", bulk),
    Endpoint("GET", "metrics/get-history-bulk-interval", "run.read", interval),
]
