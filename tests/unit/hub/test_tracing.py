"""Spans of a hub that runs as people start it, as a collector on loopback gets them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub_cases.server import client, hub
from modelyard.hub import tracing
from modelyard.serving import tracing as spans
from serving_cases.collector import Collector, collecting, facts

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = "my_tokenthatnobodymaysee"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as made:
        yield made


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
    monkeypatch.setattr(spans, "find_spec", lambda module: None)
    assert tracing.begin({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}) is None
    assert "modelyard[otel]" in capsys.readouterr().err


def test_a_collector_that_is_away_costs_no_answer(tmp_path: Path) -> None:
    with hub(cwd=tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9") as running:
        with client(running) as web:
            assert web.get("/api/v1/models").status_code == 200
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(60) == 0
