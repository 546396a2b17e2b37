"""A training in two processes of torch.distributed (gloo, torchrun) is one run, and logging changes no weight of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import modelyard as my
from servers import free_port

SCRIPT = Path(__file__).with_name("ranks.py")


def launched(how: str, folder: Path) -> list[dict[str, Any]]:
    """What each rank found."""
    folder.mkdir()
    address = ["--nnodes=1", "--master-addr=127.0.0.1", f"--master-port={free_port()}"]
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", *address]
    done = subprocess.run(
        [*command, str(SCRIPT), how, str(folder)],
        cwd=folder,
        env={**os.environ, "MODELYARD_URI": uri(folder), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


def uri(folder: Path) -> str:
    return f"sqlite:///{folder / 'yard.db'}"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    """The weights of the training that logs nothing."""
    first, second = launched("bare", tmp_path_factory.mktemp("ranks") / "bare")
    assert first == second
    return first["weights"]


def test_the_first_rank_alone_logs(tmp_path: Path, bare: list[float]) -> None:
    found = launched("fluent", tmp_path / "fluent")
    assert [rank["weights"] for rank in found] == [bare, bare]
    with my.Yard(uri(tmp_path / "fluent")) as yard:
        (run,) = yard.runs.search(records=True)
        assert (run["run_id"], run["status"]) == (found[0]["run"], "FINISHED")
        points = yard.tracker.history(run["run_id"], "loss").items
        assert [point.step for point in points] == list(range(20))
        assert yard.tracker.run(run["run_id"]).params == {"world_size": "2"}
        kept = yard.artifacts.open(f"run:{run['run_id']}", "notes.txt").read()
        assert kept == b"of the first rank alone"


def test_each_rank_logs_to_a_run_of_its_own_when_asked_to(
    tmp_path: Path, bare: list[float]
) -> None:
    found = launched("all", tmp_path / "all")
    assert [rank["weights"] for rank in found] == [bare, bare]
    with my.Yard(uri(tmp_path / "all")) as yard:
        runs = {run["run_id"]: run for run in yard.runs.search(records=True)}
        assert set(runs) == {rank["run"] for rank in found}
        assert {run["status"] for run in runs.values()} == {"FINISHED"}
        curves = [yard.tracker.history(rank["run"], "loss").items for rank in found]
        assert [len(curve) for curve in curves] == [20, 20]
        assert curves[0][0].value != curves[1][0].value
