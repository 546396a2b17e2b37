"""Everything over a real server on a loopback port."""

from __future__ import annotations

import gzip
import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import httpx2
import numpy as np
import pytest

from modelyard.serving.interface import Limits
from serving_cases.logs import FaultyLog
from serving_cases.models import classifier, frame, function_model, iris, records
from serving_cases.server import serving

Http = httpx2.Client
JSON = {"Content-Type": "application/json"}


def fails(x: float) -> float:
    raise RuntimeError("secret /etc/passwd SELECT")


def scale(x: float, by: float = 2.0) -> float:
    return x * by


def echo(value: dict[str, Any]) -> dict[str, Any]:
    return value


@pytest.fixture(scope="module")
def log() -> FaultyLog:
    return FaultyLog()


@pytest.fixture(scope="module")
def http(log: FaultyLog) -> Iterator[Http]:
    """One model, as most servers have."""
    with serving(iris(), log=log, limits=Limits(body_bytes=20_000)) as client:
        yield client


@pytest.fixture(scope="module")
def many() -> Iterator[Http]:
    """Several models, one with names the server needs for itself."""
    models = [
        iris("team/iris"),
        function_model("numbers", 1.0, fails=fails, scale=scale),
        function_model("echo", {"a": 1}, predict=echo),
        function_model("metrics", 1.0, predict=scale),
    ]
    with serving(models) as client:
        yield client


def error_of(response: httpx2.Response) -> dict[str, Any]:
    """The error of an answer, which must have the fixed shape and leak nothing."""
    error = response.json()["error"]
    assert {"code", "message", "request_id"} <= set(error)
    assert error["request_id"] == response.headers["x-request-id"]
    assert re.search(r"Traceback|File \"|/etc/|SELECT|site-packages", response.text) is None
    return error


def test_the_answer_is_the_bare_value(http: Http) -> None:
    answer = http.post("/predict", json=records(3))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == classifier().predict(frame().head(3)).tolist()
    assert http.post("/predict_proba", json=records(3)).json() == pytest.approx(
        classifier().predict_proba(frame().head(3)), abs=1e-15
    )


@pytest.mark.parametrize(
    "body",
    [
        {"X": records()},
        {n: [r[n] for r in records()] for n in ("length", "width")},
        {"columns": ["width", "length"], "data": [[r["width"], r["length"]] for r in records()]},
        {"data": {"values": records()}},
    ],
    ids=["by name", "columns", "split", "wrapped"],
)
def test_other_forms_give_the_same_answer(http: Http, body: Any) -> None:
    assert http.post("/predict", json=body).json() == http.post("/predict", json=records()).json()


def test_json_without_a_content_type_is_read(http: Http) -> None:
    answer = http.post("/predict", content=json.dumps(records()).encode())
    assert answer.status_code == 200


def test_csv_in_and_out(http: Http) -> None:
    text = frame().head(3).to_csv(index=False)
    answer = http.post(
        "/predict", content=text, headers={"Content-Type": "text/csv; charset=utf-8"}
    )
    assert answer.json() == classifier().predict(frame().head(3)).tolist()
    answer = http.post("/predict_proba", json=records(1), headers={"Accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    header, row, end = answer.text.split("\n")
    assert (header, end) == ("predict_proba_0,predict_proba_1", "")
    values = [float(x) for x in row.split(",")]
    assert values == pytest.approx(classifier().predict_proba(frame().head(1))[0], abs=1e-15)


@pytest.mark.parametrize(
    ("accept", "csv"),
    [
        ("text/csv", True),
        ("text/*;q=0.9, application/json;q=0.1", False),
        ("text/csv, */*;q=0.1", True),
        ("*/*", False),
        ("text/csv;q=0.5, application/json", False),
        ("text/csv;q=x", False),
        ("image/png", False),
    ],
)
def test_json_unless_csv_is_wanted_more(http: Http, accept: str, csv: bool) -> None:
    answer = http.post("/predict", json=records(), headers={"Accept": accept})
    assert answer.headers["content-type"].startswith("text/csv" if csv else "application/json")


def test_gzip_bodies_are_unpacked_up_to_the_limit(http: Http) -> None:
    headers = {**JSON, "Content-Encoding": "gzip"}
    body = gzip.compress(json.dumps(records()).encode())
    assert http.post("/predict", content=body, headers=headers).status_code == 200
    bomb = gzip.compress(b" " * 50_000_000)
    assert (
        len(bomb) > 20_000
        or http.post("/predict", content=bomb, headers=headers).status_code == 413
    )
    small_bomb = gzip.compress(b" " * 1_000_000)
    assert len(small_bomb) < 20_000
    assert http.post("/predict", content=small_bomb, headers=headers).status_code == 413
    assert http.post("/predict", content=b"no gzip", headers=headers).status_code == 400
    assert http.post("/predict", content=body[:-5], headers=headers).status_code == 400
    assert (
        http.post("/predict", content=b"x", headers={"Content-Encoding": "br"}).status_code == 415
    )


DEEP = b"[" * 100 + b"]" * 100
UNREADABLE = {
    "cut short": (b'[{"length": 1', 400),
    "not json": (b"hello", 400),
    "empty": (b"", 400),
    "nan": (b'[{"length": NaN, "width": 1}]', 400),
    "infinity": (b'[{"length": -Infinity, "width": 1}]', 400),
    "too large a number": (b'[{"length": 1e999, "width": 1}]', 400),
    "100 deep": (DEEP, 400),
    "100,000 deep": (b"[" * 9_000, 400),
    "deep in a record": (b'[{"length": ' + DEEP + b', "width": 1}]', 400),
    "not utf-8": (b'[{"length": "\xff", "width": 1}]', 400),
    "half a surrogate": (b'[{"length": "\\ud800", "width": 1}]', 400),
    "a bare number": (b"1", 422),
    "a bare text": (b'"x"', 422),
    "null": (b"null", 422),
    "an empty list": (b"[]", 422),
    "an empty object": (b"{}", 422),
    "a list of numbers": (b"[1, 2]", 422),
    "a record alone": (b'{"length": 1.0, "width": 2.0}', 422),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_refused(http: Http, name: str) -> None:
    body, status = UNREADABLE[name]
    answer = http.post("/predict", content=body, headers=JSON)
    assert answer.status_code == status
    error_of(answer)


def test_nan_is_refused_with_the_way_out(http: Http) -> None:
    error = error_of(http.post("/predict", content=b'[{"length": NaN, "width": 1}]', headers=JSON))
    assert error["hint"] == "JSON has no NaN or Infinity: send null for a missing value"


MISFITS = {
    "wrong column": ([{"length": 1.0, "widht": 2.0}], "X[0].width"),
    "extra column": ([{"length": 1.0, "width": 2.0, "height": 3.0}], "X[0].height"),
    "missing column": ([{"length": 1.0, "width": 1.0}, {"length": 1.0}], "X[1].width"),
    "a text for a number": (
        [{"length": 1.0, "width": 1.0}, {"length": "1", "width": 1.0}],
        "X[1].length",
    ),
    "a boolean for a number": ([{"length": True, "width": 1.0}], "X[0].length"),
    "a list for a number": ([{"length": [1.0], "width": 1.0}], "X[0].length"),
    "null where the model takes none": ([{"length": 1.0, "width": None}], "X[0].width"),
    "columns of different lengths": ({"length": [1.0, 2.0], "width": [1.0]}, "X.width"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_data_that_does_not_fit_is_refused_with_its_place(http: Http, name: str) -> None:
    body, field = MISFITS[name]
    answer = http.post("/predict", json=body)
    assert answer.status_code == 422
    error = error_of(answer)
    assert error["code"] == "schema_mismatch"
    assert error["field"] == field
    assert error["expected"]


def test_bodies_over_the_limit_are_refused_with_and_without_a_length(http: Http) -> None:
    body = json.dumps(records(2) * 1000).encode()
    told = http.post("/predict", content=body, headers=JSON)
    streamed = http.post("/predict", content=iter([body[:15_000], body[15_000:]]), headers=JSON)
    for answer in (told, streamed):
        assert answer.status_code == 413
        assert error_of(answer)["limit"] == 20_000
    assert http.post("/predict", json=records()).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/xml", "multipart/mixed", "application/x-www-form-urlencoded"],
)
def test_other_content_types_are_refused(http: Http, content_type: str) -> None:
    answer = http.post("/predict", content=b"[]", headers={"Content-Type": content_type})
    assert answer.status_code == 415
    assert error_of(answer)["code"] == "unsupported_format"


def test_csv_that_is_none_is_refused(http: Http) -> None:
    headers = {"Content-Type": "text/csv"}
    for text in (
        b"",
        b"length,width\n",
        b"length\n1.0\n",
        b"length,width\n1.0,x\n",
        b"length,width\n\xff,1\n",
    ):
        answer = http.post("/predict", content=text, headers=headers)
        assert answer.status_code in (400, 422), text
        error_of(answer)


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_methods_are_posted_to(http: Http, verb: str) -> None:
    answer = http.request(verb, "/predict")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/interface.json"])
def test_pages_are_not_posted_to(http: Http, path: str) -> None:
    answer = http.post(path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"
    assert error_of(answer)["code"] == "method_not_allowed"


def test_an_unknown_method_is_told_with_the_choices(http: Http) -> None:
    answer = http.post("/predcit", json=records())
    assert answer.status_code == 404
    error = error_of(answer)
    assert error["code"] == "unknown_method"
    assert error["choices"] == ["predict", "predict_proba"]
    assert "/predict" in error["hint"]
    assert http.get("/nothing").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/../etc/passwd",
        "/..%2f..%2fetc",
        "/predict/",
        "//predict",
        "/predict%00",
        "/predict%0a",
        "/%2e%2e/predict",
    ],
)
def test_odd_paths_are_not_found(http: Http, path: str) -> None:
    """Sent over a bare socket: clients tidy paths up."""
    assert http.base_url.port
    with socket.create_connection((http.base_url.host, http.base_url.port), timeout=10) as raw:
        raw.sendall(
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n[]".encode()
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 404 ")


def test_ids_go_in_and_out(http: Http) -> None:
    answer = http.post("/predict", json=records(), headers={"X-Request-ID": "order-17"})
    assert answer.headers["x-request-id"] == "order-17"
    assert answer.headers["x-modelyard-model"].startswith("iris@sha256:")
    for odd in ("a b", "x" * 129, "<script>"):
        answer = http.post("/predict", json=records(), headers={"X-Request-ID": odd})
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
    answer = http.post("/predict", json=records(), headers={"X-Reference-ID": "customer-3"})
    assert answer.headers["x-reference-id"] == "customer-3"


def test_reference_ids_of_records_are_taken_out_and_logged(http: Http, log: FaultyLog) -> None:
    marked = [{**r, "reference_id": f"c{i}"} for i, r in enumerate(records(2))]
    headers = {"X-Request-ID": "marked"}
    answer = http.post("/predict", json=marked, headers=headers)
    assert answer.json() == http.post("/predict", json=records(2)).json()
    text = "length,width,reference_id\n1.0,2.0,c7\n"
    csv = {"Content-Type": "text/csv", "Accept": "text/csv", "X-Request-ID": "marked-csv"}
    assert http.post("/predict", content=text, headers=csv).text == "reference_id,predict\nc7,0\n"
    too_many = {"length": [1.0], "width": [1.0], "reference_id": ["a", "b"]}
    assert error_of(http.post("/predict", json=too_many))["field"] == "reference_id"
    while "modelyard_predictions_logged_total 0.0" in http.get("/metrics").text or not any(
        p.request_id == "marked-csv" for p in log.kept
    ):
        log.entered.wait(0.01)
    kept = [(p.reference_id, p.inputs) for p in log.kept if p.request_id == "marked"]
    assert kept == [("c0", records(2)[0]), ("c1", records(2)[1])]


def test_several_models_are_told_apart(many: Http) -> None:
    assert many.post("/team/iris/predict", json=records()).status_code == 200
    assert many.post("/numbers/scale", json=2.0).json() == 4.0
    assert many.post("/numbers/scale", json={"x": 2.0, "by": 5.0}).json() == 10.0
    assert many.post("/echo/predict", json={"a": 5}).json() == {"a": 5}
    assert many.post("/predict", json=records()).status_code == 404
    assert many.post("/numbers/nothing", json=1.0).status_code == 404


def test_names_that_the_server_needs_are_below_methods(many: Http) -> None:
    assert many.post("/methods/metrics/predict", json=2.0).json() == 4.0
    assert many.get("/metrics").status_code == 200


def test_a_model_that_raises_is_a_500_and_the_service_stays_up(many: Http) -> None:
    answer = many.post("/numbers/fails", json=1.0)
    assert answer.status_code == 500
    error = error_of(answer)
    assert error["code"] == "model_failed"
    assert error["message"] == "model 'numbers' raised RuntimeError in fails"
    assert many.post("/numbers/scale", json=2.0).json() == 4.0


def test_pages_of_other_origins_may_not_post(http: Http) -> None:
    own = f"http://{http.base_url.host}:{http.base_url.port}"
    assert http.post("/predict", json=records(), headers={"Origin": own}).status_code == 200
    for origin in (
        "null",
        "https://evil.example",
        f"{own}.evil.example",
        own.replace("http", "ftp"),
        "http://[",
        "",
    ):
        answer = http.post("/predict", json=records(), headers={"Origin": origin})
        assert answer.status_code == 403
        assert error_of(answer)["code"] == "not_allowed"
    assert http.get("/healthz", headers={"Origin": "null"}).status_code == 200


def test_a_server_on_loopback_answers_to_this_machines_names_only(http: Http) -> None:
    port = http.base_url.port
    for host in ("localhost", f"localhost:{port}", f"127.0.0.1:{port}", "LOCALHOST"):
        assert http.get("/healthz", headers={"Host": host}).status_code == 200
    for host in (
        "evil.example",
        "127.0.0.1.evil.example",
        "10.evil.com",
        "",
        "localhost.evil.example",
    ):
        assert http.get("/healthz", headers={"Host": host}).status_code == 403


def test_other_names_and_origins_can_be_allowed() -> None:
    allowed = {"allowed_hosts": ["models.example"], "allowed_origins": ["https://app.example"]}
    with serving(iris(), **allowed) as http:
        headers = {"Host": "models.example"}
        assert http.get("/healthz", headers=headers).status_code == 200
        assert http.get("/healthz").status_code == 403
        headers |= {"Origin": "https://app.example"}
        assert http.post("/predict", json=records(), headers=headers).status_code == 200


def test_many_headers_are_refused_and_endless_ones_cut_off(http: Http) -> None:
    headers = {f"X-{i}": "v" for i in range(200)}
    assert http.post("/predict", json=records(), headers=headers).status_code == 400
    assert http.base_url.port
    with socket.create_connection((http.base_url.host, http.base_url.port), timeout=10) as raw:
        raw.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
        try:
            for _ in range(100):
                raw.sendall(b"x" * 10_000)
        except (BrokenPipeError, ConnectionResetError):
            return
        assert raw.recv(20).startswith(b"HTTP/1.1 431")
    assert http.get("/healthz").status_code == 200


def test_health_readiness_version_and_root(http: Http) -> None:
    assert http.get("/healthz").json() == {"status": "ok"}
    assert http.get("/readyz").json() == {"status": "ready", "models": {"iris": "ready"}}
    assert http.get("/version").json()["models"]["iris"].startswith("iris@sha256:")
    root = http.get("/")
    assert root.headers["content-type"] == "text/html; charset=utf-8"
    assert "swagger" in http.get("/docs").text.lower()


def test_metrics_count_what_was_answered() -> None:
    with serving(iris(), limits={"body_bytes": 100}) as http:
        for content, content_type in (
            (b"[]", "application/json"),
            (b"{", "application/json"),
            (b"", "a/b"),
        ):
            http.post("/predict", content=content, headers={"Content-Type": content_type})
        http.post("/predict", content=b" " * 101)
        http.get("/predict")
        http.post("/predict", json=records(1))
        text = http.get("/metrics").text
    for status in (200, 400, 405, 413, 415, 422):
        assert (
            f'modelyard_requests_total{{method="predict",model="iris",status="{status}"}} 1.0'
            in text
        )
    for line in (
        'modelyard_request_duration_seconds_count{method="predict",model="iris"} 1.0',
        'modelyard_batch_rows_count{model="iris"} 2.0',  # the first was to warm up
        'modelyard_batch_rows_sum{model="iris"} 2.0',
        'modelyard_waiting_rows{model="iris"} 0.0',
        "modelyard_in_flight 0.0",
        "modelyard_predictions_logged_total 0.0",
        "modelyard_predictions_dropped_total 0.0",
    ):
        assert line in text


def test_too_much_at_once_is_told_when_to_come_back() -> None:
    with serving(iris(), limits={"requests": 0}) as http:
        answer = http.post("/predict", json=records())
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "1"
        assert error_of(answer)["code"] == "overloaded"
        assert http.get("/healthz").status_code == 200


def test_every_kind_of_number_comes_through_exactly() -> None:
    values = [0.1, -0.0, 5e-324, 1.7976931348623157e308, 2.0**53 + 2]

    def same(x: list[float]) -> list[float]:
        return x

    with serving(function_model("same", values, predict=same)) as http:
        back = http.post("/predict", json=values).json()
    assert np.array(back).tobytes() == np.array(values).tobytes()


def test_integers_beyond_64_bits_are_refused_both_ways() -> None:
    def power(x: int) -> int:
        return 3**x

    with serving(function_model("power", 2, predict=power)) as http:
        assert http.post("/predict", json=39).json() == 3**39
        answer = http.post("/predict", json=100)
        assert answer.status_code == 500
        assert "64 bits" in error_of(answer)["message"]
        assert http.post("/predict", content=b"18446744073709551616").status_code == 422
