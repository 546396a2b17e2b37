"""Figures about a hub, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Histogram

from modelyard.serving.exposition import CONTENT_TYPE as CONTENT_TYPE
from modelyard.serving.exposition import LiveGauge, exposition

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """What is counted. Labels are routes as they are declared, never what a client wrote."""

    def __init__(self, in_flight: Callable[[], float]) -> None:
        self.registry = registry = CollectorRegistry()
        labels = ("route", "method", "status")
        requests = Counter(
            "modelyard_hub_requests", "Requests answered.", labels, registry=registry
        )
        seconds = Histogram(
            "modelyard_hub_request_duration_seconds",
            "From the request's first byte to the answer's last.",
            ("route", "method"),
            buckets=_SECONDS,
            registry=registry,
        )
        gauge = LiveGauge("modelyard_hub_in_flight", "Requests being answered.", registry=registry)
        gauge.set_function(in_flight)
        self._requests = lru_cache(maxsize=4096)(requests.labels)
        self._seconds = lru_cache(maxsize=4096)(seconds.labels)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests(route, method, str(status)).inc()
        self._seconds(route, method).observe(seconds)

    def text(self) -> bytes:
        """The exposition, in Prometheus' text format; over all processes that serve together."""
        return exposition(self.registry)
