"""Figures about serving, for Prometheus: one registry a service, so that two in a process do not add up."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from modelyard import __version__
from modelyard.base import plugins
from modelyard.base.errors import InvalidSetting, did_you_mean
from modelyard.serving.batcher import Observer
from modelyard.serving.exposition import CONTENT_TYPE as CONTENT_TYPE
from modelyard.serving.exposition import LiveGauge, exposition
from modelyard.serving.metric_names.interface import GROUP, INFO, Renamed

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384)


class Metrics:
    """What is counted while serving."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        requests = Counter(
            "modelyard_requests",
            "Requests answered, by HTTP status.",
            ("model", "method", "status"),
            registry=registry,
        )
        seconds = Histogram(
            "modelyard_request_duration_seconds",
            "From the parsed request to the model's answer, waiting included.",
            ("model", "method"),
            buckets=_SECONDS,
            registry=registry,
        )
        rows = Histogram(
            "modelyard_batch_rows",
            "Records in one call of the model.",
            ("model",),
            buckets=_ROWS,
            registry=registry,
        )
        self._waiting = LiveGauge(
            "modelyard_waiting_rows",
            "Records that wait for a free worker.",
            ("model",),
            registry=registry,
        )
        self._in_flight = LiveGauge(
            "modelyard_in_flight",
            "Requests being read, waiting or being answered.",
            registry=registry,
        )
        self._add_streams(registry)
        self.logged = Counter(
            "modelyard_predictions_logged", "Predictions kept in the log.", registry=registry
        )
        self.dropped = Counter(
            "modelyard_predictions_dropped",
            "Predictions answered but not kept: the log was too slow, or failed.",
            registry=registry,
        )
        self._also: Sequence[str] = ()
        self._add_work(registry)
        self._add_facts(registry)
        # Looking labels up takes a lock and builds texts: the few combinations that exist are kept.
        self._answered = lru_cache(maxsize=4096)(requests.labels)
        self._durations = lru_cache(maxsize=4096)(seconds.labels)
        self._batches = lru_cache(maxsize=1024)(rows.labels)

    def _add_streams(self, registry: CollectorRegistry) -> None:
        self._jobs = LiveGauge("modelyard_jobs", "Jobs that wait or run.", registry=registry)
        self._streams = LiveGauge(
            "modelyard_streams",
            "Streaming answers whose generator runs.",
            registry=registry,
        )
        items = Counter(
            "modelyard_stream_items",
            "Items of streaming answers.",
            ("model", "method"),
            registry=registry,
        )
        self._items = lru_cache(maxsize=4096)(items.labels)

    def _add_work(self, registry: CollectorRegistry) -> None:
        waits = Histogram(
            "modelyard_wait_seconds",
            "How long a request waited for a free worker.",
            ("model",),
            buckets=_SECONDS,
            registry=registry,
        )
        runs = Histogram(
            "modelyard_run_seconds",
            "One call of the model, decoding and encoding included.",
            ("model",),
            buckets=_SECONDS,
            registry=registry,
        )
        request_runs = Counter(
            "modelyard_request_run_seconds",
            "Seconds of calls of the model, summed over the requests in them.",
            ("model",),
            registry=registry,
        )
        self._restarts = Counter(
            "modelyard_model_restarts",
            "Processes of an isolated model that ended and were started again.",
            ("model",),
            registry=registry,
        )
        self._work = lambda model: _Work(
            waits.labels(model), runs.labels(model), request_runs.labels(model), self.rejected
        )

    def _add_facts(self, registry: CollectorRegistry) -> None:
        self._rejected = Counter(
            "modelyard_rejected",
            "Requests that were turned away, by what was over its limit or missing.",
            ("reason",),
            registry=registry,
        )
        self.lines_dropped = Counter(
            "modelyard_access_log_dropped",
            "Lines of the access log that were not written.",
            registry=registry,
        )
        # Gauges that are 1: over several processes the largest is the same.
        self._info = Gauge(
            INFO,
            "1 for each model that is served.",
            ("model", "version", "digest", "engine"),
            multiprocess_mode="max",
            registry=registry,
        )
        build = Gauge(
            "modelyard_build_info",
            "1, with the versions of what runs.",
            ("version", "python"),
            multiprocess_mode="max",
            registry=registry,
        )
        build.labels(__version__, platform.python_version()).set(1)

    def answered(self, model: str, method: str, status: int) -> None:
        """Count one request; told by protocols, since only they know what became of it."""
        self._answered(model, method, str(status)).inc()

    def took(self, model: str, method: str, seconds: float) -> None:
        """Note how long a request took that the model answered, or failed on."""
        self._durations(model, method).observe(seconds)

    def streamed(self, model: str, method: str) -> None:
        """Count one item of a streaming answer."""
        self._items(model, method).inc()

    def batch(self, model: str) -> Callable[[float], None]:
        """What to call with the number of records of each call of a model."""
        return self._batches(model).observe

    def restarts(self, model: str) -> Callable[[], None]:
        """What to call whenever the process of a model is started again."""
        return self._restarts.labels(model).inc

    def rejected(self, reason: str) -> None:
        """Count a request that was turned away."""
        self._rejected.labels(reason).inc()

    def work(self, model: str) -> Observer:
        """What listens to the batcher of a model."""
        return self._work(model)

    def served(self, model: str, version: str, digest: str, engine: str, *, here: bool) -> None:
        """Note that a model came, or went."""
        self._info.labels(model, version, digest, engine).set(1 if here else 0)

    def also(self, names: Sequence[str]) -> None:
        """Show the figures under the names of these servers, too; `NotFound` for one that is not known."""
        Renamed(self.registry, names)
        self._also = tuple(names)

    def shown(self, source: Any) -> Any:
        """What a collector of ours shows, with the other names."""
        return Renamed(source, self._also) if self._also else source

    def watch_waiting(self, model: str, rows: Callable[[], float]) -> None:
        """Show how many records wait for a model; asked when somebody looks."""
        self._waiting.labels(model).set_function(rows)

    def watch_in_flight(self, requests: Callable[[], float]) -> None:
        """Show how many requests are in the house; asked when somebody looks."""
        self._in_flight.set_function(requests)

    def watch_streams(self, running: Callable[[], float]) -> None:
        """Show how many generators run; asked when somebody looks."""
        self._streams.set_function(running)

    def watch_jobs(self, unfinished: Callable[[], float]) -> None:
        """Show how many jobs are not finished; asked when somebody looks."""
        self._jobs.set_function(unfinished)

    def text(self) -> bytes:
        """The exposition, in Prometheus' text format; over all processes that serve together."""
        return exposition(self.registry, self.shown)


def names_of(table: Mapping[str, Any] | None) -> list[str]:
    """The servers whose names are wanted, of the option ``metrics``."""
    if table is not None and not isinstance(table, Mapping):
        raise InvalidSetting("metrics is a table", hint="as in metrics.names = ['triton']")
    unknown = set(table or {}) - {"names"}
    if unknown:
        raise InvalidSetting(f"metrics has no setting {min(unknown)!r}", hint="known: names")
    names = (table or {}).get("names", ())
    listed = names.split(",") if isinstance(names, str) else names
    wanted = [str(name).strip() for name in listed]
    for name in wanted:
        if plugins.find(GROUP, name) is None:
            known = plugins.names(GROUP)
            raise InvalidSetting(
                f"metrics.names: there are no names of {name!r}",
                hint=did_you_mean(name, known) or f"known: {', '.join(known)}",
            )
    return wanted


class _Work(Observer):
    def __init__(
        self, waits: Any, runs: Any, request_runs: Any, refused: Callable[[str], None]
    ) -> None:
        self._waits, self._runs, self._request_runs = waits, runs, request_runs
        self._refused = refused

    def done(self, waits: Sequence[float], seconds: float) -> None:
        for wait in waits:
            self._waits.observe(wait)
        self._runs.observe(seconds)
        self._request_runs.inc(seconds * len(waits))

    def refused(self, reason: str) -> None:
        self._refused(reason)
