"""A server as a process of its own: signals, sockets, what it says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

import serving_cases
from modelyard.base.errors import AddressInUse, InvalidSetting
from modelyard.base.notes import collected
from modelyard.serving import process
from modelyard.serving.announcing import running
from modelyard.serving.entry.opening import EntryOptions, open_gate
from modelyard.serving.examples import example_arguments, example_body
from modelyard.serving.interface import Running
from modelyard.serving.process import listen
from modelyard.serving.servers.fastapi import serve
from modelyard.serving.service import Service
from serving_cases.logs import FaultyLog
from serving_cases.models import function_model, iris, records
from serving_cases.server import serving

PROGRAM = Path(serving_cases.__path__[0]) / "program.py"
SERVERS = ("fastapi", "granian")


@contextlib.contextmanager
def program(
    model: str, log: Path, server: str = "fastapi"
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its URL; it is gone afterwards."""
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), model, str(log), server],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), process.stderr and process.stderr.read()
        yield process, url
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("server", "number"),
    [("fastapi", signal.SIGTERM), ("fastapi", signal.SIGINT), ("granian", signal.SIGTERM)],
)
def test_a_signal_lets_all_that_is_in_flight_finish(
    number: signal.Signals, server: str, tmp_path: Path
) -> None:
    """P18: a hundred requests on a hundred connections, each 20 ms of work; then the signal."""
    log = tmp_path / "log"

    async def ask(client: httpx2.AsyncClient, n: int, sent: asyncio.Event) -> httpx2.Response:
        async def body():
            yield json.dumps(float(n)).encode()
            sent.set()

        headers = {"X-Request-ID": f"n{n}", "Content-Type": "application/json"}
        return await client.post("/predict", content=body(), headers=headers)

    async def scenario(process: subprocess.Popen[str], url: str) -> list[httpx2.Response]:
        limits = httpx2.Limits(max_connections=None)
        async with httpx2.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
            events = [asyncio.Event() for _ in range(100)]
            asked = [asyncio.create_task(ask(client, n, events[n])) for n in range(100)]
            await asyncio.gather(*(event.wait() for event in events))
            process.send_signal(number)
            return await asyncio.gather(*asked)

    with program("slow", log, server) as (process, url):
        answers = asyncio.run(scenario(process, url))
        assert [a.status_code for a in answers] == [200] * 100
        assert [a.json() for a in answers] == [float(n) for n in range(100)]
        assert process.wait(30) == 0
        assert process.stdout
        assert process.stdout.read() == "ended\n"
    assert sorted(log.read_text().split()) == sorted(f"n{n}" for n in range(100))


@pytest.mark.parametrize("server", SERVERS)
def test_before_it_stops_it_is_unready_and_asks_to_be_left(server: str, tmp_path: Path) -> None:
    running = program("slow", tmp_path / "log", server)
    with running as (process, url), httpx2.Client(base_url=url) as client:
        assert client.get("/readyz").status_code == 200
        process.send_signal(signal.SIGTERM)
        # Well before the sockets close, readiness says so: a probe sees it, or the server is already gone.
        seen = []
        with contextlib.suppress(httpx2.TransportError):
            while True:
                answer = client.post("/predict", json=1.0)
                assert answer.status_code == 200
                seen.append(answer.headers.get("connection"))
        assert "close" in seen
        assert process.wait(30) == 0


def test_the_curl_it_prints_works_as_pasted(tmp_path: Path) -> None:
    assert shutil.which("curl"), "this test needs curl"
    with program("iris", tmp_path / "log") as (process, url):
        assert process.stderr
        serving_line, docs, attempt = (process.stderr.readline() for _ in range(3))
        assert serving_line.startswith("Serving iris@sha256:")
        assert docs.split() == ["docs", f"{url}/docs"]
        done = subprocess.run(
            attempt.split(maxsplit=1)[1],
            shell=True,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert json.loads(done.stdout) in ([0], [1])


def test_a_port_in_use_is_named_with_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressInUse, match=f"port {port} on 127.0.0.1 is in use") as refused:
            serve(iris(), port=port)
    assert refused.value.hint
    free = int(refused.value.hint.split()[1])
    assert free != port
    with socket.create_server(("127.0.0.1", free)):
        pass


@pytest.mark.parametrize(
    ("host", "port"),
    [("127.0.0.1", -1), ("127.0.0.1", 65536), ("no such host", 0), ("203.0.113.1", 0)],
)
def test_an_address_that_cannot_be_is_refused(host: str, port: int) -> None:
    with pytest.raises(InvalidSetting):
        listen(host, port)


def facts(host: str, model=None) -> tuple[Running, list[str]]:
    with listen(host, 0) as sock, collected() as said:
        return running(Service([model or iris()]), sock, host), said


def test_everyone_else_may_come_with_a_warning() -> None:
    shown, said = facts("0.0.0.0")
    assert shown.url.startswith("http://127.0.0.1:")
    assert len(said) == 1
    assert "there is no authentication" in said[0]
    assert facts("127.0.0.1")[1] == []


def test_a_model_without_a_sample_is_described_instead_of_called() -> None:
    model = iris()
    model.card = model.card.but(sample=None)
    assert facts("127.0.0.1", model)[0].curl.endswith("/interface.json")


def test_quotes_in_a_sample_survive_the_shell() -> None:
    model = function_model("greet", "x", predict=lambda name: name)
    model.card = model.card.but(sample='it\'s $HOME `id` "x"')
    curl = facts("127.0.0.1", model)[0].curl
    command = curl.replace("curl", "printf '%s\\n'", 1)
    printed = subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout
    assert json.loads(printed.splitlines()[-1]) == 'it\'s $HOME `id` "x"'


def test_where_keys_are_asked_for_the_example_sends_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "k" * 40)
    with listen("127.0.0.1", 0) as sock:
        service = Service([iris()])
        entry = EntryOptions({"keys": {"shop": "env:SHOP_KEY"}})
        service.gate = open_gate(entry, service.limits, service.metrics)
        curl = running(service, sock, "127.0.0.1").curl
    assert curl.startswith('curl -s -H "X-API-Key: $KEY" http://127.0.0.1:')


def test_examples_are_cut_to_the_rows_asked_for() -> None:
    assert example_body(iris(), "predict") == records(2)
    assert example_body(iris(), "predict", rows=1) == records(1)
    assert example_arguments(iris(), "predict_proba") == {"X": records(2)}


def test_a_log_that_hangs_slows_no_answer() -> None:
    log = FaultyLog(hangs=True)
    with serving(iris(), log=log) as http:
        for _ in range(20):
            assert http.post("/predict", json=records()).status_code == 200
        assert log.entered.wait(60)
        assert "modelyard_predictions_logged_total 0.0" in http.get("/metrics").text
        log.open.set()
    assert len(log.kept) == 40  # served = logged


def test_health_is_answered_while_a_model_works() -> None:
    entered, leave = threading.Event(), threading.Event()

    def waits(x: float) -> float:
        entered.set()
        leave.wait(30)
        return x

    with serving(function_model("waits", 1.0, predict=waits)) as http:
        answers: list[int] = []
        asking = threading.Thread(
            target=lambda: answers.append(
                httpx2.post(http.base_url.join("/predict"), json=1.0).status_code
            )
        )
        asking.start()
        assert entered.wait(60)
        assert http.get("/healthz").status_code == 200
        assert "modelyard_in_flight 1.0" in http.get("/metrics").text
        leave.set()
        asking.join(60)
        assert answers == [200]


def test_a_client_that_hangs_up_gives_its_place_up() -> None:
    entered, leave = threading.Semaphore(0), threading.Semaphore(0)
    called: list[float] = []

    def waits(x: float) -> float:
        called.append(x)
        entered.release()
        leave.acquire(timeout=30)
        return x

    with serving(function_model("waits", 1.0, predict=waits)) as http:
        gone = 'modelyard_requests_total{method="predict",model="waits",status="499"} 1.0'

        def ask(x: float) -> threading.Thread:
            def post() -> None:
                with contextlib.suppress(httpx2.TimeoutException):
                    httpx2.post(
                        http.base_url.join("/predict"), json=x, timeout=0.5 if x == 2.0 else 30
                    )

            thread = threading.Thread(target=post)
            thread.start()
            return thread

        first = ask(1.0)
        assert entered.acquire(timeout=60)
        second = ask(2.0)
        second.join(60)
        while gone not in http.get("/metrics").text:
            pass
        third = ask(3.0)
        leave.release(5)
        first.join(60)
        third.join(60)
    assert called == [1.0, 3.0]


def test_slow_senders_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "HEAD_SECONDS", 0.2)
    with serving(iris(), limits={"read_seconds": 0.2}) as http:
        assert http.base_url.port
        address = (http.base_url.host, http.base_url.port)
        head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
        for begun in (b"", head, head + b"Content-Length: 0\r\n\r\n" + head):
            with socket.create_connection(address, timeout=60) as raw:
                raw.sendall(begun)
                while raw.recv(4096):
                    pass  # until the server closes
        with socket.create_connection(address, timeout=60) as raw:
            raw.sendall(head + b"Content-Length: 9\r\n\r\n[")
            assert raw.recv(4096).startswith(b"HTTP/1.1 400 ")
        assert http.post("/predict", json=records()).status_code == 200


def test_batching_and_limits_are_set_by_name() -> None:
    settings = {"batching": {"enabled": False, "workers": 2}, "limits": {"depth": 2}}
    with serving(iris(), **settings) as http:
        assert http.post("/predict", json=records()).status_code == 200
        assert http.post("/predict", json={"X": records()}).status_code == 400
    with pytest.raises(InvalidSetting, match="batching has no setting 'worker'") as refused:
        serve(iris(), port=0, batching={"worker": 2})
    assert refused.value.hint == "did you mean 'workers'?"
