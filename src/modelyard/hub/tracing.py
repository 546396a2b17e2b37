"""OpenTelemetry: a span for each request, sent to a collector, when the extra ``otel`` is there and the environment names
one (``OTEL_EXPORTER_OTLP_ENDPOINT``, over HTTP). All else is set by OpenTelemetry's own variables.

A span has the route as it is declared, the method, the status and the request's id: no path, no query, no header and
nothing of a body.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from modelyard import __version__
from modelyard.base.notes import note

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
FLUSH_MS = 5000
"""How long the end of a hub waits for its last spans to be taken."""


def begin(environ: Mapping[str, str] = os.environ) -> Tracing | None:
    """What sends spans, where a collector is named; a note when what it takes is not installed."""
    if not any(environ.get(name) for name in ENDPOINTS):
        return None
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    if not all(map(_is_here, ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"))):
        note("OpenTelemetry's endpoint is set, and its library is not here: pip install modelyard[otel]")  # fmt: skip
        return None
    return Tracing()


def _is_here(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even what it is in
        return False


class Tracing:
    """Spans of one process, gathered and sent by a thread of OpenTelemetry's."""

    def __init__(self) -> None:
        # Loaded here: they cost a hub without a collector nothing.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        name = os.environ.get("OTEL_SERVICE_NAME") or "modelyard-hub"
        facts = {"service.name": name, "service.version": __version__}
        self._provider = TracerProvider(resource=Resource.create(facts))
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("modelyard.hub", __version__)
        self._parent = TraceContextTextMapPropagator()
        self._server: Any = SpanKind.SERVER
        self._failed = Status(StatusCode.ERROR)

    def answered(
        self,
        method: str,
        route: str,
        status: int,
        request_id: str,
        seconds: float,
        headers: Mapping[bytes, bytes],
    ) -> None:
        """A request that was answered just now. It belongs to the trace that its ``traceparent`` names, if any."""
        end = time.time_ns()
        traceparent = headers.get(b"traceparent", b"").decode("latin-1")
        span = self._tracer.start_span(
            f"{method} {route}",
            context=self._parent.extract({"traceparent": traceparent}),
            kind=self._server,
            start_time=end - round(seconds * 1e9),
            attributes={
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
                "modelyard.request_id": request_id,
            },
        )
        if status >= 500:
            span.set_status(self._failed)
        span.end(end)

    def start(self) -> None:
        """Spans are sent from the first one on."""

    def stop(self) -> None:
        """Send what is left, and end."""
        self._provider.force_flush(FLUSH_MS)
        self._provider.shutdown()
