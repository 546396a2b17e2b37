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
from git_servers import free_port

SCRIPT = Path(__file__).with_name("ranks.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the ranks ran: their yard, and a file of what each found."""
    folder = tmp_path_factory.mktemp("ranks")
    address = ["--nnodes=1", "--master-addr=127.0.0.1", f"--master-port={free_port()}"]
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", *address]
    done = subprocess.run(
        [*command, str(SCRIPT), str(folder)],
        cwd=folder,
        env={**os.environ, "MODELYARD_URI": uri(folder), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def uri(folder: Path) -> str:
    return f"sqlite:///{folder / 'yard.db'}"


def ranks(folder: Path) -> list[dict[str, Any]]:
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


def test_logging_changes_no_weight(folder: Path) -> None:
    first, second = ranks(folder)
    found = [rank[how] for rank in (first, second) for how in ("bare", "one", "each")]
    assert found == [first["bare"]] * 6


def test_the_first_rank_alone_logs(folder: Path) -> None:
    run_id = ranks(folder)[0]["one's run"]
    with my.Yard(uri(folder)) as yard:
        runs = [run.run_id for run in yard.tracker.search(my_search(yard, "one")).items]
        assert runs == [run_id]
        seen = yard.tracker.run(run_id)
        assert (seen.status, dict(seen.params)) == ("FINISHED", {"world_size": "2"})
        points = yard.tracker.history(run_id, "loss").items
        assert [point.step for point in points] == list(range(20))
        kept = yard.artifacts.open(f"run:{run_id}", "notes.txt").read()
        assert kept == b"of the first rank alone"


def test_each_rank_logs_to_a_run_of_its_own_when_asked_to(folder: Path) -> None:
    ids = [rank["each's run"] for rank in ranks(folder)]
    with my.Yard(uri(folder)) as yard:
        runs = {run.run_id: run for run in yard.tracker.search(my_search(yard, "each")).items}
        assert set(runs) == set(ids)
        assert {run.status for run in runs.values()} == {"FINISHED"}
        curves = [yard.tracker.history(run_id, "loss").items for run_id in ids]
        assert [len(curve) for curve in curves] == [20, 20]
        assert curves[0][0].value != curves[1][0].value


def my_search(yard: my.Yard, experiment: str) -> Any:
    from modelyard.tracking.interface import Search

    return Search(experiments=[yard.tracker.experiment(experiment).id])
