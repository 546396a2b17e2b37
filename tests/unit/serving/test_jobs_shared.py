"""Jobs of several processes in one folder, and of processes that die."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

import serving_cases
from modelyard.base.errors import Conflict
from modelyard.serving.interface import Jobs
from modelyard.serving.job_store import Job, JobStore
from serving_cases.models import function_model
from serving_cases.server import serving

PROGRAM = Path(serving_cases.__path__[0]) / "job_program.py"


@contextmanager
def program(folder: Path) -> Iterator[tuple[subprocess.Popen[str], httpx2.Client]]:
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), str(folder)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        with httpx2.Client(base_url=process.stdout.readline().strip(), timeout=60) as client:
            yield process, client
    finally:
        process.kill()
        process.communicate()


def sent(http: httpx2.Client, x: float, wait: int = 0, key: str = "") -> dict[str, Any]:
    headers = {"Idempotency-Key": key} if key else {}
    return http.post(f"/jobs/predict?wait={wait}", json={"x": x}, headers=headers).json()


def twice(x: float) -> float:
    return x * 2


def test_after_kill_9_what_was_finished_is_there_and_what_was_not_has_failed(
    tmp_path: Path,
) -> None:
    model, jobs = function_model("numbers", 1.0, predict=twice), Jobs(folder=str(tmp_path))
    with program(tmp_path) as (process, there):
        done = sent(there, 4, wait=60, key="k")
        assert done["status"] == "done"
        running, waiting = sent(there, -1), sent(there, 5)
        with serving(model, jobs=jobs) as here:
            # Both processes know both's jobs, and the living one's are its own.
            assert here.get(f"/jobs/{done['id']}/result").json() == 8.0
            assert here.get(f"/jobs/{waiting['id']}").json()["status"] == "queued"
            assert sent(here, 4, key="k")["id"] == done["id"]
            process.kill()
            process.wait(60)
            for job in (running, waiting):
                state = here.get(f"/jobs/{job['id']}?wait=60").json()
                assert state["status"] == "failed"
                assert state["error"]["message"] == "the server stopped before this job was done"
            assert here.get(f"/jobs/{done['id']}/result").json() == 8.0
    with serving(model, jobs=jobs) as again:
        assert again.get(f"/jobs/{done['id']}/result").json() == 8.0
        assert [j["id"] for j in again.get("/jobs").json()["jobs"]][-1] == done["id"]


def test_one_process_cancels_what_another_runs(tmp_path: Path) -> None:
    entered, leave = threading.Event(), threading.Event()

    def held(x: float) -> float:
        entered.set()
        assert leave.wait(60)
        return x

    jobs = Jobs(folder=str(tmp_path))
    with (
        serving(function_model("numbers", 1.0, predict=held), jobs=jobs) as runs,
        serving(function_model("numbers", 1.0, predict=twice), jobs=jobs) as other,
    ):
        first, second = sent(runs, 1), sent(runs, 2)
        assert entered.wait(60)
        assert other.delete(f"/jobs/{first['id']}").json()["status"] == "cancelled"
        assert runs.get(f"/jobs/{first['id']}?wait=60").json()["status"] == "cancelled"
        leave.set()
        assert other.get(f"/jobs/{second['id']}?wait=60").json()["status"] == "done"


def job(store: JobStore, number: int, **facts: Any) -> Job:
    named = {"model": "m", "method": "predict", "identity": "m@1", "caller": "me", "digest": "d"}
    own = {"key": None, "owner": store.owner, "created_ms": number}
    return Job(id=f"{number:032x}", **{**named, **own, **facts})


def test_a_key_names_one_job_however_many_ask_at_once(tmp_path: Path) -> None:
    stores = [JobStore(tmp_path, Jobs(folder=str(tmp_path))) for _ in range(3)]
    with ThreadPoolExecutor(12) as pool:
        kept = list(
            pool.map(lambda n: stores[n % 3].add(job(stores[n % 3], n, key="k")), range(60))
        )
    assert len({found.id for found, _ in kept}) == 1
    assert sum(new for _, new in kept) == 1
    with pytest.raises(Conflict):
        stores[0].add(job(stores[0], 99, key="k", digest="other"))
    for store in stores:
        store.close()


def test_a_job_has_one_end(tmp_path: Path) -> None:
    store = JobStore(tmp_path, Jobs())
    store.add(job(store, 1))
    with ThreadPoolExecutor(8) as pool:
        ends = list(
            pool.map(
                lambda n: store.finish(f"{1:032x}", "done" if n % 2 else "cancelled", result=b"%d" % n),
                range(16),
            )
        )  # fmt: skip
    assert len({(end.status, end.finished_ms) for end in ends}) == 1
    assert not store.start(f"{1:032x}")
    store.close()


def test_results_are_bounded_in_bytes_and_in_time(tmp_path: Path) -> None:
    store = JobStore(tmp_path, Jobs(kept_bytes=250_000, keep_seconds=1000))
    for number in range(4):
        store.add(job(store, number))
        store.finish(f"{number:032x}", "done", result=b"x" * 100_000)
    assert [j.created_ms for j in store.list("me", 10)] == [3, 2]
    assert len(list((tmp_path / "results").iterdir())) == 2
    store.close()
    store = JobStore(tmp_path, Jobs(keep_seconds=-1))
    store.prune()
    assert not store.list("me", 10)
    assert not list((tmp_path / "results").iterdir())
    store.close()


def test_a_folder_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    store = JobStore(tmp_path, Jobs())
    store._rows.execute("PRAGMA user_version=99")  # pyright: ignore[reportPrivateUsage]
    store.close()
    with pytest.raises(Conflict, match="another version of modelyard"):
        JobStore(tmp_path, Jobs())
