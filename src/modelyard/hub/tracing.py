"""Spans of a hub's requests."""

from __future__ import annotations

import os
from collections.abc import Mapping

from modelyard.serving import tracing


def begin(environ: Mapping[str, str] = os.environ) -> HubTracing | None:
    """What sends spans, where the environment names a collector."""
    found = tracing.begin("modelyard-hub", environ)
    return None if found is None else HubTracing(found)


class HubTracing:
    """A span for each request, with its route as it is declared."""

    def __init__(self, spans: tracing.Tracing) -> None:
        self._spans = spans
        self.start, self.stop = spans.start, spans.stop

    def answered(
        self,
        method: str,
        route: str,
        status: int,
        request_id: str,
        seconds: float,
        headers: Mapping[bytes, bytes],
    ) -> None:
        """A request that was answered just now."""
        facts = {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
            "modelyard.request_id": request_id,
        }
        self._spans.record(f"{method} {route}", seconds, facts, headers, failed=status >= 500)
