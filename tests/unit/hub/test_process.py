"""Hubs as processes: how they start, who lets them, how they end, and several on one yard."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import socket
import threading
import time
from pathlib import Path

import httpx2
import pytest

from cli.program import process
from hub_cases.server import client, hub, send, until
from modelyard.hub import accounts
from modelyard.yard.yard import Yard

API = "/api/v1"


def memory_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def test_it_starts_says_where_it_is_and_ends_in_order(tmp_path: Path) -> None:
    with hub(cwd=tmp_path) as running:
        with client(running) as c:
            assert c.get("/readyz").json() == {"status": "ready"}
            assert c.post(f"{API}/models", json={"name": "churn"}).status_code == 201
        assert memory_kb(running.process.pid) < 150_000
        running.process.terminate()
        assert running.process.wait(10) == 0
        assert not (tmp_path / "yard.db-wal").exists()
    with Yard(tmp_path / "yard.db") as yard:
        assert yard.models.names() == ["churn"]


def test_it_loads_no_library_of_models(tmp_path: Path) -> None:
    code = (
        "import sys; from modelyard.hub.app import create_app; from modelyard.hub.interface import HubSettings;"
        "app = create_app(HubSettings(uri='yard.db')); app.inner.openapi();"
        "print(sorted({'numpy', 'pandas', 'sklearn', 'cloudpickle', 'skops'} & set(sys.modules)))"
    )
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)  # fmt: skip
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def test_a_request_is_a_line_of_json_that_holds_no_secret(tmp_path: Path) -> None:
    with Yard(tmp_path / "yard.db") as yard:
        accounts.add_user(yard.database, "ana", "admin")
        secret = accounts.create_token(yard.database, "ana")["secret"]
    with hub(cwd=tmp_path) as running, client(running, secret) as c:
        c.get(f"{API}/models/x?token={secret}", headers={"X-Request-ID": "mine"})
        c.get(f"{API}/models", headers={"Authorization": f"Basic {secret}"})
        line = until(lambda: next((x for x in running.log if x["request_id"] == "mine"), None))
        assert (line["actor"], line["method"], line["path"], line["status"]) == ("ana", "GET", f"{API}/models/x", 404)  # fmt: skip
        assert line["ms"] >= 0
        assert line["bytes"] > 0
        until(lambda: len(running.log) >= 2)
        assert secret not in "".join(running.said)


MATRIX = [
    (["--host", "127.0.0.1"], False, True),
    (["--host", "::1"], False, True),
    (["--host", "localhost"], False, True),
    (["--host", "0.0.0.0"], False, False),
    (["--host", "0.0.0.0", "--workers", "2"], False, False),
    (["--allowed-hosts", "hub.example"], False, False),
    (["--host", "0.0.0.0", "--insecure"], False, True),
    (["--allowed-hosts", "hub.example", "--insecure"], False, True),
    (["--host", "0.0.0.0"], True, True),
    (["--host", "0.0.0.0", "--insecure"], True, True),
]


@pytest.mark.parametrize(("words", "users", "starts"), MATRIX, ids=lambda v: str(v))
def test_what_others_can_reach_needs_users_or_the_word(
    tmp_path: Path, words: list[str], users: bool, starts: bool
) -> None:
    if "::1" in words and not ipv6():
        words = ["--host", "127.0.0.1"]
    if users:
        with Yard(tmp_path / "yard.db") as yard:
            accounts.add_user(yard.database, "ana", "admin")
    if starts:
        with hub(*words, cwd=tmp_path) as running, client(running) as c:
            assert c.get("/healthz").status_code == 200
            assert c.get(f"{API}/models").status_code == (401 if users else 200)
        return
    done = process("hub", "--port", "0", *words, cwd=tmp_path)
    assert done.code == 4
    assert "needs to know who they are" in done.err
    assert "modelyard user add NAME --role admin" in done.err
    assert "--insecure" in done.err


def ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_a_port_in_use_is_named_with_a_free_one(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = process("hub", "--port", str(taken.getsockname()[1]), cwd=tmp_path)
    assert done.code == 5
    assert "is free" in done.err


def test_a_signal_lets_a_hundred_uploads_finish_and_nothing_new_in(tmp_path: Path) -> None:
    """P18: each upload has sent half when the signal comes, and the rest after it."""
    data = [os.urandom(40_000) for _ in range(100)]
    digests = [hashlib.sha256(d).hexdigest() for d in data]

    async def put(c: httpx2.AsyncClient, n: int, half: asyncio.Event, go: asyncio.Event):
        async def body():
            yield data[n][:20_000]
            half.set()
            await go.wait()
            yield data[n][20_000:]

        return await c.put(f"{API}/blobs/{digests[n]}", content=body())

    async def scenario(running) -> list[int]:
        limits = httpx2.Limits(max_connections=None)
        async with httpx2.AsyncClient(base_url=running.url, timeout=60, limits=limits) as c:
            halves, go = [asyncio.Event() for _ in data], asyncio.Event()
            tasks = [asyncio.create_task(put(c, n, halves[n], go)) for n in range(len(data))]
            await asyncio.gather(*(half.wait() for half in halves))
            await asyncio.sleep(0.5)
            running.process.terminate()
            await asyncio.to_thread(until, lambda: refused(running.port))
            go.set()
            return [answer.status_code for answer in await asyncio.gather(*tasks)]

    with hub("--no-access-log", cwd=tmp_path) as running:
        assert asyncio.run(scenario(running)) == [201] * 100
        assert running.process.wait(20) == 0
    with Yard(tmp_path / "yard.db") as yard:
        for digest, sent in zip(digests, data, strict=True):
            with yard.stores.open(digest, len(sent)) as stream:
                assert stream.read() == sent


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


def test_an_upload_whose_client_goes_away_leaves_nothing(tmp_path: Path) -> None:
    """P4."""
    digest = hashlib.sha256(b"x" * 100_000).hexdigest()
    with hub(cwd=tmp_path) as running, client(running) as c:
        for sent in (0, 1, 65_536, 99_999):
            with socket.create_connection(("127.0.0.1", running.port)) as sock:
                head = f"PUT {API}/blobs/{digest} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
                sock.sendall(head.encode() + b"x" * sent)
                time.sleep(0.1)
            assert c.get(f"{API}/blobs/{digest}").status_code == 404
        assert c.put(f"{API}/blobs/{digest}", content=b"x" * 100_000).status_code == 201
        assert c.get(f"{API}/blobs/{digest}").status_code == 200


def test_it_starts_again_at_once_after_a_kill_and_lost_nothing(tmp_path: Path) -> None:
    """P1: what was acknowledged before SIGKILL is there after it."""
    acked: list[str] = []
    with hub("--no-access-log", cwd=tmp_path) as running:

        def write(worker: int) -> None:
            with client(running) as c:
                for n in range(10_000):
                    name = f"m{worker}-{n}"
                    try:
                        if c.post(f"{API}/models", json={"name": name}).status_code == 201:
                            acked.append(name)
                    except httpx2.HTTPError:
                        return

        threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: len(acked) > 60, 60)
        running.process.kill()
        for thread in threads:
            thread.join()
    with hub(cwd=tmp_path) as again, client(again) as c:
        names: list[str] = []
        page = {}
        while page is not None:
            told = c.get(f"{API}/models", params={"limit": 1000, **page}).json()
            names += [m["name"] for m in told["items"]]
            page = {"page": told["next"]} if told["next"] else None
        assert set(acked) <= set(names)
    with Yard(tmp_path / "yard.db") as yard:
        assert yard.check() == []


def test_workers_share_a_socket_and_a_dead_one_is_replaced(tmp_path: Path) -> None:
    with hub("--workers", "2", cwd=tmp_path) as running, client(running) as c:
        children = child_pids(running.process.pid)
        assert len(children) == 2
        assert c.post(f"{API}/models", json={"name": "churn"}).status_code == 201
        os.kill(children[0], signal.SIGKILL)
        until(lambda: len(set(child_pids(running.process.pid)) - set(children)) == 1)
        for _ in range(20):
            with client(running) as new:
                assert new.get(f"{API}/models/churn").status_code == 200
        counted = 'modelyard_hub_requests_total{method="GET",route="/api/v1/models/{name}",status="200"} 20.0'
        assert (
            counted in c.get("/metrics").text
        )  # whichever of them answered, and whichever is asked
        running.process.terminate()
        assert running.process.wait(20) == 0


def test_workers_end_when_their_first_process_is_killed(tmp_path: Path) -> None:
    with hub("--workers", "2", cwd=tmp_path) as running:
        children = child_pids(running.process.pid)
        running.process.kill()
        until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


def child_pids(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_token_revoked_through_one_worker_is_dead_in_all(tmp_path: Path) -> None:
    with Yard(tmp_path / "yard.db") as yard:
        accounts.add_user(yard.database, "ana", "admin")
        admin = accounts.create_token(yard.database, "ana")["secret"]
        other = accounts.create_token(yard.database, "ana")
    with hub("--workers", "2", cwd=tmp_path) as running:
        with client(running, admin) as c:
            assert c.delete(f"{API}/tokens/{other['id']}").status_code == 200
        for _ in range(20):  # a new connection each: both workers get some
            with client(running, other["secret"]) as c:
                assert c.get(f"{API}/models").status_code == 401


@pytest.mark.postgres
def test_two_hubs_on_one_postgres_are_one(tmp_path: Path, postgres_uri: str) -> None:
    """P2 through two hubs: versions of one name are gapless, and no client sees an error."""
    environment = {"MODELYARD_URI": postgres_uri}
    with hub(cwd=tmp_path, **environment) as one, hub(cwd=tmp_path, **environment) as other:
        versions: list[int] = []
        cards = {n: blob(one if n % 2 else other, n) for n in range(20)}

        def register(worker: int) -> None:
            with client(one if worker % 2 else other) as c:
                for n in range(worker, 20, 4):
                    answer = c.post(f"{API}/models/churn/versions", json={"card": cards[n]})
                    versions.append(answer.json()["version"])

        threads = [threading.Thread(target=register, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(versions) == list(range(1, 21))
        with client(one) as here, client(other) as there:
            assert here.get(f"{API}/server").json()["database"] == "postgresql"
            there.put(f"{API}/models/churn/stages/prod", json={"version": 7})
            assert here.get(f"{API}/models/churn/stages/prod").json()["version"] == 7
            run = here.post(f"{API}/runs", json={}).json()["run_id"]
            assert there.get(f"{API}/runs/{run}").json()["status"] == "RUNNING"
            accounts_user = here.post(f"{API}/users", json={"name": "ana", "role": "admin"})
            assert accounts_user.status_code == 201
            assert there.get(f"{API}/models").status_code == 401


def blob(running, n: int) -> dict:
    """A card of its own, its file uploaded."""
    data = b"model %d" % n
    digest = hashlib.sha256(data).hexdigest()
    with client(running) as c:
        assert c.put(f"{API}/blobs/{digest}", content=data).status_code == 201
    return {
        "yard": 1,
        "kind": "model",
        "flavor": "callable",
        "format": {"name": "cloudpickle", "tier": 2},
        "artifact": [{"path": "m", "size": len(data), "sha256": digest}],
        "methods": {"predict": {"args": {"x": {"type": "any"}}, "returns": {"type": "any"}}},
    }


def test_the_answer_to_nonsense_is_one(tmp_path: Path) -> None:
    with hub(cwd=tmp_path) as running:
        for nonsense in (b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01"):  # fmt: skip
            status, _ = send(running.port, nonsense, wait=2)
            assert status in (0, 400, 505)
        assert send(running.port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")[0] == 200
