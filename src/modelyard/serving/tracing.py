"""OpenTelemetry: spans of requests, sent to a collector, when the extra ``otel`` is there and the environment names one
(``OTEL_EXPORTER_OTLP_ENDPOINT``, over HTTP). All else is set by OpenTelemetry's own variables.

A span is made when its request is answered, from what was noted on the way: requests wait for nothing of it. It has the route
as it is declared and the request's id: no path, no query, no header and nothing of a body.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from modelyard import __version__
from modelyard.base.notes import note

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
FLUSH_MS = 5000
"""How long the end of a process waits for its last spans to be taken."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a request's time: from ``begin`` to ``end``, in nanoseconds since 1970."""

    name: str
    begin: int
    end: int
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


def begin(service: str, environ: Mapping[str, str] = os.environ) -> Tracing | None:
    """What sends spans, where a collector is named; a note when what it takes is not installed."""
    if not any(environ.get(name) for name in ENDPOINTS):
        return None
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    if not all(map(_is_here, ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"))):
        note("OpenTelemetry's endpoint is set, and its library is not here: pip install modelyard[otel]")  # fmt: skip
        return None
    return Tracing(service)


def _is_here(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even what it is in
        return False


class Tracing:
    """Spans of one process, gathered and sent by a thread of OpenTelemetry's."""

    def __init__(self, service: str) -> None:
        # Loaded here: they cost a process without a collector nothing.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        name = os.environ.get("OTEL_SERVICE_NAME") or service
        facts = {"service.name": name, "service.version": __version__}
        self._provider = TracerProvider(resource=Resource.create(facts))
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer(service.replace("-", "."), __version__)
        self._parent = TraceContextTextMapPropagator()
        self._within = set_span_in_context
        self._server: Any = SpanKind.SERVER
        self._failed = Status(StatusCode.ERROR)

    def record(
        self,
        name: str,
        seconds: float,
        attributes: Mapping[str, Any],
        headers: Mapping[bytes, bytes],
        *,
        failed: bool = False,
        parts: Sequence[Part] = (),
    ) -> None:
        """A request that was answered just now. It belongs to the trace that its ``traceparent`` names, if any."""
        end = time.time_ns()
        spelled = {k: headers.get(k.encode(), b"").decode("latin-1") for k in _CARRIED}
        span = self._tracer.start_span(
            name,
            context=self._parent.extract({k: v for k, v in spelled.items() if v}),
            kind=self._server,
            start_time=end - round(seconds * 1e9),
            attributes=dict(attributes),
        )
        if failed:
            span.set_status(self._failed)
        for part in parts:
            inner = self._tracer.start_span(
                part.name,
                context=self._within(span),
                start_time=part.begin,
                attributes=dict(part.attributes),
            )
            inner.end(part.end)
        span.end(end)

    def start(self) -> None:
        """Spans are sent from the first one on."""

    def stop(self) -> None:
        """Send what is left, and end."""
        self._provider.force_flush(FLUSH_MS)
        self._provider.shutdown()


_CARRIED = ("traceparent", "tracestate")
