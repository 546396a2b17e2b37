"""A hub that is killed, cut off, retried and backed up keeps what it promised (P1, P3, P4, P6, P15, P19)."""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from fault_proxy import Proxy
from hub_cases.server import Running, hub
from modelyard import Yard
from modelyard.base.clock import new_id
from modelyard.base.events import Kind
from servers import postgres

CLIENTS, ROUNDS = 4, 5
SECONDS = 30


@pytest.fixture
def seed() -> int:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    return seed


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "yard.db")
    server, name = request.getfixturevalue("postgres_server"), f"hub_{new_id()[-12:]}"
    with postgres(server) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"postgresql://postgres@/{name}?host={server}"


def api(running: Running, port: int | None = None) -> httpx2.Client:
    url = running.url if port is None else f"http://127.0.0.1:{port}"
    return httpx2.Client(base_url=f"{url}/api/v1", timeout=SECONDS)


def begin_run(client: httpx2.Client) -> str:
    answer = client.post("/runs", json={"experiment_id": 0})
    assert answer.status_code == 201, answer.text
    return answer.json()["run_id"]


def point(key: str, value: float, step: int = 0) -> dict[str, Any]:
    return {"metrics": [{"key": key, "value": value, "step": step}]}


class Writers:
    """Clients that write one number after the other, each to a run of its own, and note what was acknowledged."""

    def __init__(self, running: Running, first: int) -> None:
        self.acked: dict[str, list[int]] = {}
        self.stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, args=[running, first]) for _ in range(CLIENTS)
        ]
        for thread in self._threads:
            thread.start()

    def _write(self, running: Running, first: int) -> None:
        with contextlib.suppress(httpx2.HTTPError), api(running) as client:
            run_id = begin_run(client)
            self.acked[run_id] = []
            for number in range(first, first + 100_000):
                if self.stop.is_set():
                    return
                body = {**point("m", number, number), "tags": {f"t{number}": str(number)}}
                answer = client.post(f"/runs/{run_id}/batch", json=body)
                if answer.status_code != 204:
                    return
                self.acked[run_id].append(number)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(SECONDS)

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + SECONDS
        while sum(map(len, self.acked.values())) < count:
            assert time.monotonic() < deadline, "the clients write nothing"
            time.sleep(0.01)


def stored(yard: Yard, run_id: str) -> list[int]:
    """The numbers of a run that are there whole: its point and its tag, which came in one batch."""
    points = {int(metric.value) for metric in yard.tracker.history(run_id, "m").items}
    tags = {int(value) for key, value in yard.tracker.run(run_id).tags.items() if key[0] == "t"}
    assert points == tags, "half of a batch"
    return sorted(points)


def test_what_a_killed_hub_acknowledged_is_there(uri: str, tmp_path: Path, seed: int) -> None:
    """P1."""
    chance = random.Random(seed)
    acked: dict[str, list[int]] = {}
    for number in range(ROUNDS):
        with hub("--uri", uri, cwd=tmp_path) as running:
            writers = Writers(running, number * 1_000_000)
            writers.wait_for(chance.randint(20, 60))
            time.sleep(chance.uniform(0, 0.05))  # where in its work it is hit is left to chance
            running.process.kill()
            writers.join()
            acked |= writers.acked
    with Yard(uri) as yard:
        assert yard.check() == []
        for run_id, numbers in acked.items():
            found = stored(yard, run_id)
            assert set(numbers) <= set(found)
            assert len(found) <= len(numbers) + 1, "more than the one that was on its way"
    assert sum(map(len, acked.values())) >= 20 * ROUNDS


def test_sixteen_who_want_the_same_experiment_get_one(uri: str, tmp_path: Path) -> None:
    """P3, over two processes."""
    with hub("--uri", uri, cwd=tmp_path) as one, hub("--uri", uri, cwd=tmp_path) as two:

        def ensure(number: int) -> int:
            with api((one, two)[number % 2]) as client:
                answer = client.put("/experiments/by-name/churn")
                assert answer.status_code == 200, answer.text
                return answer.json()["id"]

        with ThreadPoolExecutor(16) as pool:
            assert len(set(pool.map(ensure, range(16)))) == 1


def retried(ask: Callable[[], httpx2.Response]) -> httpx2.Response:
    """As a client does it: again, when the connection broke."""
    try:
        return ask()
    except httpx2.HTTPError:
        return ask()


def test_a_retry_after_a_lost_answer_does_nothing_twice(uri: str, tmp_path: Path) -> None:
    """P6."""
    with (
        hub("--uri", uri, cwd=tmp_path) as running,
        Proxy(running.port) as proxy,
        api(running, proxy.port) as client,
    ):
        proxy.drop_answers(1)
        made = retried(
            lambda: client.post(
                "/runs", json={"experiment_id": 0}, headers={"Idempotency-Key": "make"}
            )
        )
        run_id = made.json()["run_id"]
        for number in range(5):
            proxy.drop_answers(1)
            said = {"Idempotency-Key": f"batch {number}"}
            body = point("m", number, 7)
            answer = retried(
                lambda said=said, body=body: client.post(
                    f"/runs/{run_id}/batch", json=body, headers=said
                )
            )
            assert answer.status_code == 204, answer.text
        assert proxy.dropped == 6
        assert len(client.get("/runs").json()["items"]) == 1
        history = client.get(f"/runs/{run_id}/metrics/history", params={"key": "m"}).json()
        assert [p["value"] for p in history["items"]] == [0, 1, 2, 3, 4]


def test_half_an_upload_is_never_seen(tmp_path: Path, seed: int) -> None:
    """P4: the connection is cut at many places."""
    chance, data = random.Random(seed), os.urandom(300_000)
    with hub(cwd=tmp_path) as running, Proxy(running.port) as proxy, api(running) as direct:
        run_id = begin_run(direct)
        path = f"/artifacts/run:{run_id}/model.bin"
        assert direct.put(path, content=b"old").status_code == 201
        for size in [0, 1, *(chance.randrange(len(data)) for _ in range(12)), len(data)]:
            proxy.cut_after(size)
            with contextlib.suppress(httpx2.HTTPError), api(running, proxy.port) as client:
                client.put(path, content=data)
            assert direct.get(path).content == b"old"
        proxy.cut_after(None)
        with api(running, proxy.port) as client:
            assert client.put(path, content=data).status_code == 201
        assert direct.get(path).content == data


def test_moves_of_an_alias_are_one_line_of_history(uri: str, tmp_path: Path) -> None:
    """P15: each move begins where the one before ended, and the last one is what holds."""
    with Yard(uri) as yard:
        for number in range(3):
            yard.models.add(_scorer(number), "churn", sample_data=1.0)
    with hub("--uri", uri, cwd=tmp_path) as one, hub("--uri", uri, cwd=tmp_path) as two:

        def move(number: int) -> None:
            with api((one, two)[number % 2]) as client:
                for turn in range(8):
                    version = 1 + (number + turn) % 3
                    moved = client.put(
                        "/models/churn/aliases/champion", json={"version": str(version)}
                    )
                    assert moved.status_code == 200, moved.text
                    stage = client.put("/models/churn/stages/prod", json={"version": str(version)})
                    assert stage.status_code == 200, stage.text

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(move, range(6)))
    with Yard(uri) as yard:
        events = list(yard.models.registry.events("churn"))
        state = yard.models.registry.state("churn")
    alias, holder = None, None
    for event in events:
        if event.kind is Kind.ALIAS_MOVED:
            assert event.before["version"] == alias
            alias = event.after["version"]
        if event.kind is Kind.STAGE_ASSIGNED and "holders" in event.after:
            assert event.before["holders"]["prod"] == holder
            holder = event.after["holders"]["prod"]
    assert state.aliases["champion"] == alias
    assert len([e for e in events if e.kind is Kind.ALIAS_MOVED]) > 5


def _scorer(bias: int) -> Any:
    def score(x: float) -> float:
        return x + bias

    return score


def test_a_backup_under_load_is_one_moment(tmp_path: Path) -> None:
    """P19."""
    path = tmp_path / "yard.db"
    with hub(cwd=tmp_path) as running:
        writers = Writers(running, 0)
        for number in range(3):
            writers.wait_for(30 * (number + 1))
            before = {run_id: list(numbers) for run_id, numbers in writers.acked.items()}
            with Yard(path) as yard:
                yard.backup(tmp_path / f"copy-{number}.db")
            with Yard(tmp_path / f"copy-{number}.db") as copy:
                assert copy.check() == []
                for run_id, numbers in before.items():
                    found = stored(copy, run_id)
                    assert set(numbers) <= set(found)
                    assert found == list(range(len(found))), "a moment has no holes"
        writers.stop.set()
        writers.join()


def test_a_full_disk_is_said_and_reads_go_on(small_disk: Path, tmp_path: Path) -> None:
    """P12."""
    with hub("--uri", str(small_disk / "yard.db"), cwd=tmp_path) as running, api(running) as client:
        run_id = begin_run(client)
        client.post(f"/runs/{run_id}/batch", json=point("m", 1))
        ballast, disk = small_disk / "ballast", os.statvfs(small_disk)
        ballast.write_bytes(bytes(disk.f_bavail * disk.f_bsize - 100_000))
        files = f"/artifacts/run:{run_id}"
        said = {
            client.put(f"{files}/{n}", content=os.urandom(1 << 20)).status_code for n in range(8)
        }
        assert 507 in said
        assert said <= {201, 507}
        full = client.put(f"{files}/again", content=os.urandom(4 << 20))
        assert full.json()["error"]["code"] == "storage_full"
        assert "no space left" in full.json()["error"]["message"]
        assert str(small_disk) not in full.text
        assert client.get(f"/runs/{run_id}").json()["metrics"][0]["value"] == 1
        ballast.unlink()
        assert client.put(f"{files}/now", content=b"x" * 1000).status_code == 201
        assert client.post(f"/runs/{run_id}/batch", json=point("m", 2, 1)).status_code == 204
