"""MLflow's own client as a process that does not see modelyard."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

CLIENT = Path(__file__).with_name("mlflow_client.py")


def client(*words: str) -> str:
    """What the client prints."""
    done = subprocess.run(
        [sys.executable, str(CLIENT), *words],
        env=client_environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def client_environment() -> dict[str, str]:
    """Ours without modelyard, and without anything to report to."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MODELYARD"))}
    return {**kept, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}


def answers_of(questions: list[dict[str, Any]], folder: Path) -> list[Any]:
    """What the client answers to questions as `mlflow_client.ask` takes them."""
    file = folder / "questions.json"
    file.write_text(json.dumps(questions))
    printed = client("ask", str(file)).splitlines()
    return json.loads(next(line for line in printed if line.startswith("ANSWERS "))[8:])


@contextlib.contextmanager
def mlflow_serving(path: Path) -> Iterator[httpx2.Client]:
    """``mlflow models serve`` on a loopback port."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = ["-m", "mlflow", "models", "serve", "-m", str(path), "--env-manager", "local"]
    log = path.with_name(f"{path.name}.log")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *command, "--host", "127.0.0.1", "--port", str(port)],
            env=client_environment(),
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            until = time.monotonic() + 120
            while not answers(http):
                assert process.poll() is None, log.read_text()[-3000:]
                assert time.monotonic() < until, log.read_text()[-3000:]
                time.sleep(0.3)
            yield http
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 15)  # its own session: the launcher and the server it started
        process.wait(30)


def answers(http: httpx2.Client) -> bool:
    """Whether the server is up."""
    with contextlib.suppress(httpx2.TransportError):
        return http.get("/ping").status_code == 200
    return False
