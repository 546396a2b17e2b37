"""Spans of a hub that runs as people start it, as a collector on loopback gets them."""

from __future__ import annotations

import gzip
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hub_cases.server import client, hub
from modelyard.hub import tracing

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = "my_tokenthatnobodymaysee"


class Collector:
    """What a collector is sent: the bodies of requests, unpacked."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                packed = self.headers.get("content-encoding") == "gzip"
                bodies.append(gzip.decompress(body) if packed else body)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def spans(self) -> list[Any]:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )

        sent = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        scopes = [s for each in sent for r in each.resource_spans for s in r.scope_spans]
        return [span for scope in scopes for span in scope.spans]


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join(10)


def facts(span: Any) -> dict[str, Any]:
    return {a.key: a.value.string_value or a.value.int_value for a in span.attributes}


def test_each_request_is_a_span_that_says_little(collector: Collector, tmp_path: Path) -> None:
    with hub(cwd=tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as running:
        with client(running) as web:
            web.post(
                "/api/v1/models",
                json={"name": "secret-project"},
                headers={
                    "x-request-id": "mine",
                    "traceparent": f"00-{TRACE}-{PARENT}-01",
                    "authorization": f"Bearer {SECRET}",
                },
            )
            web.get("/api/v1/models/secret-project?x=hidden-query", headers={"x-request-id": "two"})
            web.get("/nowhere/secret-project", headers={"x-request-id": "three"})
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(60) == 0
    found = {facts(span)["modelyard.request_id"]: span for span in collector.spans()}
    assert set(found) == {"mine", "two", "three"}
    assert facts(found["two"]) == {
        "http.request.method": "GET",
        "http.route": "/api/v1/models/{name}",
        "http.response.status_code": facts(found["two"])["http.response.status_code"],
        "modelyard.request_id": "two",
    }
    assert found["two"].name == "GET /api/v1/models/{name}"
    assert facts(found["three"])["http.route"] == "unmatched"
    assert facts(found["three"])["http.response.status_code"] == 404
    assert found["mine"].trace_id.hex() == TRACE
    assert found["mine"].parent_span_id.hex() == PARENT
    assert found["two"].end_time_unix_nano > found["two"].start_time_unix_nano
    sent = b"".join(collector.bodies)
    for word in (SECRET, "secret-project", "hidden-query"):
        assert word.encode() not in sent


def test_without_a_collector_nothing_of_it_is_loaded(tmp_path: Path) -> None:
    assert tracing.begin({}) is None
    named = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    assert tracing.begin({**named, "OTEL_SDK_DISABLED": "true"}) is None


def test_without_the_library_a_hub_says_so_and_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tracing, "find_spec", lambda module: None)
    assert tracing.begin({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}) is None
    assert "modelyard[otel]" in capsys.readouterr().err


def test_a_collector_that_is_away_costs_no_answer(tmp_path: Path) -> None:
    with hub(cwd=tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9") as running:
        with client(running) as web:
            assert web.get("/api/v1/models").status_code == 200
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(60) == 0
