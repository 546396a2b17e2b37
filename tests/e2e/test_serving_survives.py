"""Servers of models that are treated badly: processes killed, models that crash, clients that dawdle."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

import modelyard as my
from modelyard.predictions.interface import PredictionQuery
from serving_cases.command import Load, Running, alive, children, served, until
from serving_cases.dangerous import EAT, EXIT, HANG, SEGFAULT, obey
from serving_cases.grpc_client import GrpcClient

LIMITS = ("-c", "limits.call_seconds=2", "-c", "limits.memory_bytes=200000000")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model that does what it is told: of tier 2, as code is."""
    folder = tmp_path_factory.mktemp("dangerous")
    card = my.save(obey, folder / "obey", sample_data=1.0)
    assert card.format is not None
    assert card.format.tier == 2
    return folder


@pytest.fixture(scope="module")
def alone(folder: Path) -> Iterator[Running]:
    with served("obey", "--isolate", *LIMITS, cwd=folder) as running:
        yield running


@pytest.fixture(scope="module")
def several(folder: Path) -> Iterator[Running]:
    words = ("--workers", "2", "--hang-seconds", "5", "--grpc-port", "0")
    with served("obey", *words, cwd=folder) as running:
        yield running


def test_a_model_that_crashes_fails_its_own_requests_only(alone: Running) -> None:
    [model] = children(alone.pid)
    expected = {SEGFAULT: 503, EXIT: 503, HANG: 504, EAT: 500}
    with Load(alone.url) as load, httpx2.Client(base_url=alone.url, timeout=120) as http:
        load.more(20)
        for poison, status in expected.items():
            answer = http.post("/predict", json=poison)
            assert answer.status_code == status, answer.text
            load.more(20)
    assert (load.wrong, load.broken) == ([], 0)
    assert children(alone.pid) != [model]
    assert alone.process.poll() is None


def test_who_holds_the_connections_loads_no_library_of_the_model(alone: Running) -> None:
    [model] = until(lambda: children(alone.pid))
    assert "cloudpickle" not in mapped(alone.pid)
    assert not {"numpy", "pandas", "sklearn"} & mapped(alone.pid)
    assert int(Path(f"/proc/{model}/oom_score_adj").read_text()) == 500


def mapped(pid: int) -> set[str]:
    """Packages whose libraries a process has in memory."""
    return set(re.findall(r"site-packages/(\w+)/", Path(f"/proc/{pid}/maps").read_text()))


def test_dawdlers_and_huge_bodies_hold_nobody_up(alone: Running) -> None:
    url = httpx2.URL(alone.url)
    assert url.port is not None
    address = (url.host, url.port)
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with contextlib.ExitStack() as stack:
        for n in range(200):
            dawdler = stack.enter_context(socket.create_connection(address, timeout=60))
            dawdler.sendall(head if n % 2 else head + b"Content-Length: 1000\r\n\r\n[")
        with Load(alone.url) as load:
            load.more(50)
            huge = stack.enter_context(socket.create_connection(address, timeout=60))
            huge.sendall(head + b"Content-Length: 100000000000\r\n\r\n")
            assert huge.recv(4096).startswith(b"HTTP/1.1 413 ")  # not a byte of it was waited for
            load.more(50)
    assert (load.wrong, load.broken) == ([], 0)


def test_all_workers_answer_grpc_on_one_port(several: Running) -> None:
    target = next(line.split()[1] for line in several.said if line.startswith("  grpc"))
    x = {"name": "x", "datatype": "FP64", "shape": [1], "contents": {"fp64_contents": [4.0]}}
    for _ in range(16):  # each connection is one worker's
        with GrpcClient(target) as client:
            answer, _ = client.ask("ModelInfer", {"model_name": "obey", "inputs": [x]})
            assert list(answer.outputs[0].contents.fp64_contents) == [8.0]
    counted = 'modelyard_requests_total{method="infer",model="obey",status="200"} 16.0'
    until(lambda: counted in httpx2.get(f"{several.url}/metrics").text)


def test_workers_that_are_killed_again_and_again_are_no_outage(several: Running) -> None:
    chance = random.Random(7)
    killed: set[int] = set()
    with Load(several.url) as load:
        for _ in range(3):
            load.more(30)
            victim = chance.choice(children(several.pid))
            os.kill(victim, signal.SIGKILL)
            killed.add(victim)
            load.more(30)
            until(lambda: len(set(children(several.pid)) - killed) == 2)
    assert load.wrong == []
    assert load.broken <= len(killed) * load.threads  # those of the killed worker's clients
    assert several.process.poll() is None
    # What the dead ones counted is not lost: nobody was told of an answer that is not in the sum.
    answered = 'modelyard_requests_total{method="predict",model="obey",status="200"}'
    text = httpx2.get(f"{several.url}/metrics").text
    counted = next(line for line in text.splitlines() if line.startswith(answered))
    assert load.right <= float(counted.split()[-1]) <= load.right + load.broken


def test_a_worker_that_stands_still_is_replaced(several: Running) -> None:
    stuck = until(lambda: len(found := children(several.pid)) == 2 and found)[0]
    with Load(several.url, threads=2) as load:
        os.kill(stuck, signal.SIGSTOP)
        until(lambda: not alive(stuck))
        load.more(30)
    assert load.wrong == []
    assert any("has not answered for" in line for line in several.said)
    place = next(n for n, line in enumerate(several.said) if "has not answered for" in line)
    until(lambda: any("is ready" in line for line in several.said[place:]))


def test_hanging_up_puts_new_workers_in_place_without_a_gap(several: Running) -> None:
    before = set(children(several.pid))
    with Load(several.url) as load:
        load.more(20)
        several.process.send_signal(signal.SIGHUP)
        until(lambda: len(now := set(children(several.pid))) == 2 and not now & before)
        load.more(20)
    assert (load.wrong, load.broken) == ([], 0)


def test_an_end_in_order_loses_no_request_and_logs_every_prediction(
    folder: Path, tmp_path: Path
) -> None:
    """P18 with several processes: each answers what it has in hand; each writes to the log by itself."""
    words = (folder / "obey", "--workers", "2", "--log")
    with served(*words, cwd=tmp_path) as running, Load(running.url, threads=8) as load:
        load.more(200)
        load.stop.set()
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(60) == 0
    assert (load.wrong, load.broken) == ([], 0)
    with my.Yard(tmp_path / "yard.db") as yard:
        assert yard.predictions.log.count(PredictionQuery()) == load.right


def test_all_of_them_end_when_the_first_process_is_killed(folder: Path) -> None:
    with served("obey", "--workers", "2", cwd=folder) as running:
        workers = children(running.pid)
        models = [child for worker in workers for child in children(worker)]
        assert (len(workers), len(models)) == (2, 2)
        running.process.kill()
        until(lambda: not any(alive(pid) for pid in (*workers, *models)))
