"""The set-up of `examples/hub/compose` as processes: two hubs on one PostgreSQL and one bucket, behind nginx with the very
configuration of the example."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from hub_cases.nginx import NAME, Nginx, free_ports, nginx
from hub_cases.server import Running, client, hub, until

LARGE = 20 << 20


def modelyard(*words: str, cwd: Path, **environment: str) -> str:
    """What a command prints."""
    done = subprocess.run(
        [sys.executable, "-m", "modelyard", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Setup:
    """All that the compose file starts."""

    def __init__(self, folder: Path, bucket: str) -> None:
        self.folder, self.bucket = folder, bucket
        self.token = ""
        self.ports = free_ports(2)
        self.hubs: list[Running] = []

    @contextlib.contextmanager
    def hub(self, number: int) -> Iterator[Running]:
        """One of the hubs, started with the words of the compose file."""
        words = ["--host=0.0.0.0", f"--allowed-hosts={NAME}"]
        port = str(self.ports[number])
        with hub(*words, "--drain-seconds=30", "--port", port, cwd=self.folder) as running:
            yield running

    def web(self, proxy: Nginx) -> httpx2.Client:
        headers = {"authorization": f"Bearer {self.token}"}
        return httpx2.Client(base_url=proxy.url, verify=proxy.trust, headers=headers, timeout=60)


@pytest.fixture
def setup(postgres_uri: str, s3_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setup:
    """The database's address is in a file, as a secret is."""
    secret = tmp_path / "yard_uri"
    secret.write_text(f"{postgres_uri}\n")
    monkeypatch.setenv("MODELYARD_URI_FILE", str(secret))
    monkeypatch.setenv("MODELYARD_ARTIFACTS", s3_uri)
    made = Setup(tmp_path, s3_uri)
    modelyard("user", "add", "ana", "--role", "admin", cwd=tmp_path)
    made.token = modelyard("token", "create", "ana", cwd=tmp_path)
    return made


@pytest.mark.postgres
@pytest.mark.slow
def test_two_hubs_a_database_a_bucket_and_a_proxy_work_as_one(setup: Setup) -> None:
    with contextlib.ExitStack() as all_of_it:
        both = contextlib.ExitStack(), contextlib.ExitStack()
        for stack in both:
            all_of_it.enter_context(stack)
        first, second = (both[n].enter_context(setup.hub(n)) for n in (0, 1))
        proxy = all_of_it.enter_context(nginx(setup.ports))
        web = all_of_it.enter_context(setup.web(proxy))

        only_with_a_token_and_over_tls(setup, proxy, web)
        run = web.post("/api/v1/runs", json={"experiment_id": 0}).json()["run_id"]
        a_large_file_goes_through(setup, web, run, first, second)
        both_hubs_log_to_one_run(web, proxy, setup, run)
        events_come_when_they_happen(setup, proxy, web)

        first.process.kill()
        first.process.wait(30)
        values = range(100, 110)
        for value in values:  # each is answered, by the one that is left
            log(web, run, value)
        assert points(web, run)[-10:] == list(values)
        both[0].close()

        both[0].enter_context(setup.hub(0))
        seen = len(proxy.answered_by())
        until(
            lambda: (
                web.get("/readyz").status_code == 200
                and f"127.0.0.1:{setup.ports[0]}" in proxy.answered_by()[seen:]
            )
        )
        assert web.get(f"/api/v1/artifacts/run:{run}/large.bin").status_code == 200
        assert setup.token not in (proxy.folder / "access").read_text()


def only_with_a_token_and_over_tls(setup: Setup, proxy: Nginx, web: httpx2.Client) -> None:
    moved = httpx2.get(f"{proxy.plain}/api/v1/server", timeout=30)
    assert (moved.status_code, moved.headers["location"]) == (308, f"https://{NAME}/api/v1/server")
    refused = httpx2.get(f"{proxy.url}/api/v1/server", verify=proxy.trust, timeout=30)
    assert refused.status_code == 401
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(proxy.url, timeout=30)  # whoever does not trust the certificate gets nowhere
    foreign = web.get("/api/v1/server", headers={"host": "other.example"})
    assert foreign.status_code in (400, 403, 421)
    trusting = {"SSL_CERT_FILE": str(proxy.folder / "tls.crt")}
    login = [sys.executable, "-m", "modelyard", "login", proxy.url, "--token-stdin", "--json"]
    done = subprocess.run(
        login,
        cwd=setup.folder,
        input=f"{setup.token}\n",
        capture_output=True,
        text=True,
        env={**os.environ, **trusting},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["user"] == "ana"
    models = modelyard("api", "GET", "/api/v1/models", cwd=setup.folder, **trusting)
    assert json.loads(models)["items"] == []
    answer = web.get("/healthz")
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert "server" not in answer.headers or answer.headers["server"] == "nginx"


def in_bucket(root: str) -> dict[str, int]:
    """Path -> size of what is there."""
    import s3fs

    found: Any = s3fs.S3FileSystem(use_listings_cache=False).find(root, detail=True)
    return {path: facts["size"] for path, facts in found.items()}


def a_large_file_goes_through(
    setup: Setup, web: httpx2.Client, run: str, first: Running, second: Running
) -> None:
    """Up through the proxy in one piece, down through the proxy and from each hub: the same bytes, kept in the bucket."""
    data = os.urandom(LARGE)
    place = f"/api/v1/artifacts/run:{run}/large.bin"
    sent = web.put(place, content=data)
    assert sent.status_code == 201, sent.text
    assert sent.json()["sha256"] == hashlib.sha256(data).hexdigest()
    assert LARGE in in_bucket(setup.bucket).values()
    assert web.get(place).content == data
    token = web.headers["authorization"].removeprefix("Bearer ")
    for each in (first, second):
        with client(each, token) as direct:
            assert direct.get(place).content == data


def log(web: httpx2.Client, run: str, value: int) -> None:
    body = {"metrics": [{"key": "loss", "value": value, "step": value}]}
    answer = web.post(f"/api/v1/runs/{run}/batch", json=body)
    assert answer.status_code == 204, answer.text


def points(web: httpx2.Client, run: str) -> list[int]:
    answer = web.get(f"/api/v1/runs/{run}/metrics/history", params={"key": "loss", "limit": 1000})
    assert answer.status_code == 200, answer.text
    return [int(point["value"]) for point in answer.json()["items"]]


def both_hubs_log_to_one_run(web: httpx2.Client, proxy: Nginx, setup: Setup, run: str) -> None:
    seen = len(proxy.answered_by())
    for value in range(20):
        log(web, run, value)
    assert points(web, run) == list(range(20))
    until(lambda: len(proxy.answered_by()) >= seen + 20)
    answered = set(proxy.answered_by()[seen:])
    assert answered == {f"127.0.0.1:{port}" for port in setup.ports}


def events_come_when_they_happen(setup: Setup, proxy: Nginx, web: httpx2.Client) -> None:
    """One connection through the proxy to one hub hears of what was done at either."""
    heard: list[str] = []

    def listen() -> None:
        with setup.web(proxy) as own, own.stream("GET", "/api/v1/events/stream") as answer:
            for line in answer.iter_lines():
                heard.append(line)
                if "model:m3" in line:
                    return

    listener = threading.Thread(target=listen)
    listener.start()
    until(lambda: heard)  # the first words are there before anything has happened
    for number in range(4):  # in turn: two of them at either hub
        made = web.post("/api/v1/models", json={"name": f"m{number}"})
        assert made.status_code == 201, made.text
        until(lambda subject=f"model:m{number}": any(subject in line for line in heard))
    listener.join(30)
    assert not listener.is_alive()
