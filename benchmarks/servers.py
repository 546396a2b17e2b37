"""A contender's server as a process: start it, wait until it answers right, load it, end it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.environments import ROOT, Environment, Failed, output_of

PATIENCE = 90.0
"""Seconds a server has to become ready."""


@dataclass(frozen=True)
class Prepared:
    """A saved model with a request for it, and the answer that any server of it must give."""

    name: str
    folder: Path
    body: bytes
    expected: list[Any]
    environment: Environment


def prepare(
    names: Iterable[str], folder: Path, model: str
) -> tuple[dict[str, Prepared], dict[str, str]]:
    """Each contender's own saved model with a request of one row; and why some could not save it."""
    prepared, failures = {}, {}
    for name in names:
        place = folder / f"{name}-{model}"
        place.mkdir()
        try:
            environment = peers.environment(name, model)
            said = environment.run("-m", "benchmarks.worker", "prepare", name, place, model)
        except Failed as failure:
            failures[name] = str(failure)
            continue
        told = json.loads(said.splitlines()[-1])
        ask = getattr(peers.peer(name), "request_rows", None) if model == "network" else None
        body = (ask or peers.peer(name).request)(told["request"])
        prepared[name] = Prepared(name, place, body, told["answer"], environment)
    return prepared, failures


@dataclass(frozen=True)
class Server:
    """A running server; ``ready`` is how many seconds passed from the start to the first right answer."""

    url: str
    ready: float


@contextlib.contextmanager
def running(prepared: Prepared) -> Iterator[Server]:
    """The contender's server on a free port of this machine, with all its processes ended afterwards."""
    port = free_port()
    contender = peers.peer(prepared.name)
    command = contender.serve(prepared.environment, prepared.folder, port)
    with tempfile.TemporaryFile() as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=prepared.environment.process_variables(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that its workers end with it
        )
        try:
            url = f"http://127.0.0.1:{port}{contender.PATH}"
            wait_until_right(url, prepared, process, log)
            ready = time.perf_counter() - started
            getattr(contender, "settle", lambda url: None)(f"http://127.0.0.1:{port}")
            yield Server(url, ready)
        finally:
            end(process)


def wait_until_right(
    url: str, prepared: Prepared, process: subprocess.Popen[bytes], log: Any
) -> None:
    """Ask until the answer is the model's own. A refused connection is waited out, a wrong answer is not."""
    deadline = time.monotonic() + PATIENCE
    said = "no answer"
    while time.monotonic() < deadline and process.poll() is None:
        try:
            found = peers.peer(prepared.name).answer(post(url, prepared.body))
        except urllib.error.HTTPError as error:
            said = f"status {error.code}: {error.read()[:200]!r}"
        except (OSError, urllib.error.URLError) as error:
            said = str(error)
        else:
            if not is_right(found, prepared.expected):
                raise Failed(f"answered {found!r}, expected {prepared.expected!r}")
            return
        time.sleep(0.01)
    log.seek(0)
    end_of_log = log.read().decode(errors="replace").strip().splitlines()[-1:]
    raise Failed(f"not ready: {said}; {''.join(end_of_log)[:200]}")


def is_right(found: Any, expected: Any) -> bool:
    """Equal answers; floats may differ by what float32 rounds."""
    if isinstance(expected, list):
        pairs = zip(found, expected, strict=False)
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(is_right(f, e) for f, e in pairs)
        )
    return found == expected or (isinstance(expected, float) and abs(found - expected) < 1e-5)


def post(url: str, body: bytes) -> bytes:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.read()


def load(url: str, prepared: Prepared, connections: int, seconds: float) -> dict[str, float]:
    """What wrk saw: requests a second, and latencies and the share of errors."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("serving is measured with wrk: `make bench` installs it")
    body = prepared.folder / "request.json"
    body.write_bytes(prepared.body)
    script = Path(__file__).with_name("load.lua")
    threads = f"-t{min(connections, 2)}"
    said = output_of(
        [
            wrk,
            threads,
            f"-c{connections}",
            f"-d{seconds:g}s",
            "--timeout",
            "30s",
            "-s",
            script,
            url,
        ],
        env=os.environ | {"BODY": str(body)},
    )
    seen = json.loads(said.splitlines()[-1])
    if not seen["requests"]:
        raise Failed(f"no request answered at {connections} connections")
    good = seen["requests"] - seen["errors"]
    return {
        "rate": max(good, 0) / seen["seconds"],
        "p50": seen["p50"],
        "p99": seen["p99"],
        "errors": 100 * seen["errors"] / seen["requests"],
    }


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def end(process: subprocess.Popen[bytes]) -> None:
    """Politely, then not; and whatever of its session outlived it."""
    signal_session(process, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    signal_session(process, signal.SIGKILL)
    process.wait()


def signal_session(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
