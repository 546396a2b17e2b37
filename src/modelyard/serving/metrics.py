"""Figures about serving, for Prometheus: one registry a service, so that two in a process do not add up."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Histogram

from modelyard.serving.exposition import LiveGauge, exposition

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

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
        self.logged = Counter(
            "modelyard_predictions_logged", "Predictions kept in the log.", registry=registry
        )
        self.dropped = Counter(
            "modelyard_predictions_dropped",
            "Predictions answered but not kept: the log was too slow, or failed.",
            registry=registry,
        )
        self._restarts = Counter(
            "modelyard_model_restarts",
            "Processes of an isolated model that ended and were started again.",
            ("model",),
            registry=registry,
        )
        # Looking labels up takes a lock and builds texts: the few combinations that exist are kept.
        self._answered = lru_cache(maxsize=4096)(requests.labels)
        self._durations = lru_cache(maxsize=4096)(seconds.labels)
        self._batches = lru_cache(maxsize=1024)(rows.labels)

    def answered(self, model: str, method: str, status: int) -> None:
        """Count one request; told by protocols, since only they know what became of it."""
        self._answered(model, method, str(status)).inc()

    def took(self, model: str, method: str, seconds: float) -> None:
        """Note how long a request took that the model answered, or failed on."""
        self._durations(model, method).observe(seconds)

    def batch(self, model: str) -> Callable[[float], None]:
        """What to call with the number of records of each call of a model."""
        return self._batches(model).observe

    def restarts(self, model: str) -> Callable[[], None]:
        """What to call whenever the process of a model is started again."""
        return self._restarts.labels(model).inc

    def watch_waiting(self, model: str, rows: Callable[[], float]) -> None:
        """Show how many records wait for a model; asked when somebody looks."""
        self._waiting.labels(model).set_function(rows)

    def watch_in_flight(self, requests: Callable[[], float]) -> None:
        """Show how many requests are in the house; asked when somebody looks."""
        self._in_flight.set_function(requests)

    def text(self) -> bytes:
        """The exposition, in Prometheus' text format; over all processes that serve together."""
        return exposition(self.registry)
