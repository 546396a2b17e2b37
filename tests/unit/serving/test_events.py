"""Streaming answers over a real server on a loopback port."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from modelyard.serving import events
from modelyard.serving.interface import Limits
from serving_cases.command import until
from serving_cases.models import function_model
from serving_cases.server import serving
from unit.serving.test_streaming import Endless, fails, plain, words

SSE = {"Accept": "text/event-stream"}
LINES = {"Accept": "application/x-ndjson"}

endless = Endless()
slow_entered, slow_leave = threading.Event(), threading.Event()


def slow(text: str) -> Iterator[str]:
    yield "one"
    slow_entered.set()
    assert slow_leave.wait(60)
    yield "two"


def big(text: str) -> Iterator[str]:
    try:
        while True:
            yield "x" * 100_000
    finally:
        big_closed.set()


big_closed = threading.Event()


@pytest.fixture(scope="module")
def http() -> Iterator[httpx2.Client]:
    functions = {
        "predict": words,
        "plain": plain,
        "fails": fails,
        "endless": endless,
        "slow": slow,
        "big": big,
    }
    limits = Limits(send_seconds=0.3, stream_items=1000)
    with serving(function_model("talk", "a b", **functions), limits=limits) as client:
        yield client


def ask(http: httpx2.Client, method: str, headers: dict[str, str], text: Any = "a b") -> Any:
    return http.post(f"/{method}", json={"text": text}, headers=headers)


def test_events_come_with_an_end(http: httpx2.Client) -> None:
    answer = ask(http, "predict", {**SSE, "X-Reference-ID": "mine"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-modelyard-model"].startswith("talk@")
    assert answer.headers["x-reference-id"] == "mine"
    assert answer.text == 'data: "a"\n\ndata: "b"\n\nevent: end\ndata: {"items":2}\n\n'


def test_lines_come_one_an_item(http: httpx2.Client) -> None:
    answer = ask(http, "predict", LINES)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.text == '"a"\n"b"\n'


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/event-stream;q=0.5, */*"])
def test_who_asks_for_json_gets_the_list(http: httpx2.Client, accept: str) -> None:
    assert ask(http, "predict", {"Accept": accept}).json() == ["a", "b"]


def test_a_method_that_does_not_stream_answers_as_ever(http: httpx2.Client) -> None:
    answer = ask(http, "plain", SSE)
    assert (answer.headers["content-type"], answer.json()) == ("application/json", "A B")


@pytest.mark.parametrize("headers", [SSE, LINES])
def test_a_refusal_has_its_own_status(http: httpx2.Client, headers: dict[str, str]) -> None:
    answer = ask(http, "predict", headers, text=7)
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "text"


def test_a_failure_midway_is_the_last_event_and_is_counted(http: httpx2.Client) -> None:
    answer = ask(http, "fails", {**SSE, "X-Request-ID": "r7"}, text="a")
    first, last, rest = answer.text.split("\n\n")
    assert (answer.status_code, first, rest) == (200, 'data: "a"', "")
    name, data = last.split("\n")
    assert name == "event: error"
    error = json.loads(data.removeprefix("data: "))["error"]
    assert (error["code"], error["request_id"]) == ("model_failed", "r7")
    assert "secret" not in answer.text
    lines = ask(http, "fails", LINES, text="a").text.splitlines()
    assert [list(json.loads(line)) if i else line for i, line in enumerate(lines)] == [
        '"a"',
        ["error"],
    ]
    counted = 'modelyard_requests_total{method="fails",model="talk",status="500"} 2.0'
    until(lambda: counted in http.get("/metrics").text)


def test_items_are_sent_when_they_are_made(http: httpx2.Client) -> None:
    with http.stream("POST", "/slow", json={"text": "a"}, headers=LINES) as answer:
        lines = answer.iter_lines()
        assert next(lines) == '"one"'
        assert slow_entered.wait(60)  # it has not made the second, and we have the first
        slow_leave.set()
        assert list(lines) == ['"two"']


def test_silence_is_filled_with_comments(
    http: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "SILENCE_SECONDS", 0.01)
    monkeypatch.setattr(events, "FIRST_SECONDS", 0.01)
    slow_leave.clear()
    with http.stream("POST", "/slow", json={"text": "a"}, headers=SSE) as answer:
        lines = (line for line in answer.iter_lines() if line)
        assert next(lines) in ('data: "one"', ": nothing yet")
        assert next(line for line in lines if line != 'data: "one"') == ": nothing yet"
        slow_leave.set()
        assert [line for line in lines if line[0] != ":"][-3:] == [
            'data: "two"',
            "event: end",
            'data: {"items":2}',
        ]


def test_a_client_that_hangs_up_closes_the_generator(http: httpx2.Client) -> None:
    with http.stream("POST", "/endless", json={"text": "a"}, headers=LINES) as answer:
        assert next(answer.iter_lines()) == "1"
    assert endless.closed.wait(60)


def test_a_client_that_does_not_read_is_left(http: httpx2.Client) -> None:
    url = urlsplit(str(http.base_url))
    body = b'{"text":"a"}'
    head = (
        f"POST /big HTTP/1.1\r\nHost: {url.netloc}\r\nAccept: application/x-ndjson\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((url.hostname, url.port), timeout=60) as sock:
        sock.sendall(head.encode() + body)
        assert big_closed.wait(60)
        left = 'modelyard_requests_total{method="big",model="talk",status="499"} 1.0'
        until(lambda: left in http.get("/metrics").text)


def test_the_whole_of_one_that_never_ends_is_refused(http: httpx2.Client) -> None:
    answer = ask(http, "endless", {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_openapi_says_what_comes(http: httpx2.Client) -> None:
    paths = http.get("/openapi.json").json()["paths"]
    content = paths["/predict"]["post"]["responses"]["200"]["content"]
    assert content["application/json"]["schema"] == {"type": "array", "items": {"type": "string"}}
    assert content["text/event-stream"]["x-itemSchema"] == {"type": "string"}
    assert "text/event-stream" not in paths["/plain"]["post"]["responses"]["200"]["content"]


def test_a_stream_that_runs_is_finished_when_the_server_stops() -> None:
    slow_entered.clear()
    slow_leave.clear()
    with serving(function_model("talk", "a", predict=slow)) as client:
        url = str(client.base_url)
        got: list[str] = []

        def read() -> None:
            with (
                httpx2.Client(base_url=url, timeout=60) as http,
                http.stream("POST", "/predict", json={"text": "a"}, headers=LINES) as answer,
            ):
                for line in answer.iter_lines():
                    got.append(line)
                    begun.set()

        begun = threading.Event()
        reader = threading.Thread(target=read)
        reader.start()
        assert begun.wait(60)
        threading.Timer(0.5, slow_leave.set).start()
    reader.join(60)
    assert got == ['"one"', '"two"']
