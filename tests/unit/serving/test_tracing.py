"""Spans of a served model, as a collector on loopback gets them: the request, its wait, the call of the model."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from modelyard.serving import tracing
from serving_cases.collector import collecting, facts
from serving_cases.models import iris, records
from serving_cases.server import serving

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in tracing.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_request_is_a_span_with_its_wait_and_the_call(environment: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        with serving(iris()) as client:
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-ID": "mine"}
            assert client.post("/predict?hidden=1", json=records(), headers=headers).is_success
            client.post("/predict", json={"X": "nonsense"}, headers={"X-Request-ID": "bad"})
            client.get("/no/such/place", headers={"X-Request-ID": "lost"})
            client.get("/healthz", headers={"X-Request-ID": "probe"})
        spans = collector.spans()
        sent = b"".join(collector.bodies)
    requests = {facts(s)["modelyard.request_id"]: s for s in spans if s.name.startswith(("POST", "GET"))}  # fmt: skip
    assert set(requests) == {"mine", "bad", "lost"}
    mine = requests["mine"]
    assert mine.name == "POST /predict"
    assert (mine.trace_id.hex(), mine.parent_span_id.hex()) == (TRACE, PARENT)
    said = facts(mine)
    assert said["modelyard.model"].startswith("iris@")
    assert {k: said[k] for k in ("http.response.status_code", "modelyard.rows", "http.route")} == {
        "http.response.status_code": 200,
        "modelyard.rows": 2,
        "http.route": "/predict",
    }
    assert facts(requests["lost"])["http.route"] == "unmatched"
    inner = {s.name: s for s in spans if s.parent_span_id == mine.span_id}
    assert set(inner) == {"wait", "model call"}
    wait, call = inner["wait"], inner["model call"]
    assert facts(call)["modelyard.batch_rows"] == 2
    order = [mine.start_time_unix_nano, wait.start_time_unix_nano, wait.end_time_unix_nano]
    order += [call.end_time_unix_nano, mine.end_time_unix_nano]
    slack = 2_000_000  # two clocks are read a moment apart
    assert all(a <= b + slack for a, b in itertools.pairwise(order)), order
    for word in ("hidden", "no/such", "nonsense", json.dumps(records()[0]["length"])):
        assert word.encode() not in sent


def test_without_a_collector_nothing_of_it_is_loaded(environment: pytest.MonkeyPatch) -> None:
    assert tracing.begin("modelyard-serve") is None


def test_a_collector_that_is_away_costs_no_answer(environment: Any) -> None:
    environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    environment.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with serving(iris()) as client:
        assert client.post("/predict", json=records()).status_code == 200
