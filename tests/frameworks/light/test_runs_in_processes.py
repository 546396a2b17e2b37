"""Runs across processes: forked, spawned, started with a run in the environment, and ranks of a distributed training."""

from __future__ import annotations

from pathlib import Path

from hub_cases.server import until
from modelyard.yard.yard import Yard
from tracking_cases.programs import ended, folder, program, runs_of, yard

__all__ = ["folder", "yard"]  # fixtures

FORK = """
import multiprocessing, os, sys
import modelyard as my

def work(number):
    my.log_metric("forked", number, step=number)
    run = my.active_run()
    with my.start_run(f"own {number}", nested=number > 1):
        my.log_metric("own", number)
    return run.run_id

if __name__ == "__main__":
    with my.start_run("above") as run:
        my.log_metric("before", 1)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert set(pool.map(work, range(4))) == {run.run_id}
            pool.close()
            pool.join()
        if os.fork() == 0:
            sys.exit(0)  # a child that exits as a program does: the run is not its own
        os.wait()
        my.log_metric("after", 1)
"""

SPAWN = """
import multiprocessing
import modelyard as my

def work(run, number):
    run.log_metric("spawned", number, step=number)
    run.flush(60)

if __name__ == "__main__":
    with my.start_run("above") as run:
        context = multiprocessing.get_context("spawn")
        workers = [context.Process(target=work, args=(run, number)) for number in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
            assert worker.exitcode == 0
"""

BELOW = """
import os, subprocess, sys
import modelyard as my

with my.start_run("above", experiment="e") as run:
    code = "import modelyard as my\\nwith my.start_run(): my.log_metric('below', 1)"
    environment = {**os.environ, **run.env}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    killed = "import os, signal, modelyard as my\\nmy.start_run(tags={'by': 'below'})\\nmy.log_metric('killed', 1)"
    killed += "\\nos.kill(os.getpid(), signal.SIGTERM)"  # which ends this process, not the run
    done = subprocess.run([sys.executable, "-c", killed], env=environment)
    assert done.returncode == -15, done
    my.log_metric("above", 1)
"""

RANKS = """
import modelyard as my
with my.start_run("training"):
    my.log_metric("loss", 0.5)
"""


def test_forked_spawned_and_other_processes_log_to_the_run_above(folder: Path, yard: Yard) -> None:
    codes = {"fork": FORK, "spawn": SPAWN, "below": BELOW}
    running = [
        program(folder, f"p_{name}", code, MODELYARD_EXPERIMENT=name)
        for name, code in codes.items()
    ]
    for process in running:
        ended(process)
    forked = runs_of(yard, "fork")
    above = forked.pop("above")
    assert {above["metrics.before"], above["metrics.after"]} == {1}
    assert above["status"] == "FINISHED"
    history = yard.tracker.history(str(above["run_id"]), "forked").items
    assert sorted(point.value for point in history) == [0, 1, 2, 3]
    assert sorted(forked) == ["own 0", "own 1", "own 2", "own 3"]
    for name, row in forked.items():
        parent = above["run_id"] if name > "own 1" else None
        assert yard.runs.get(str(row["run_id"])).parent_run_id == parent
    (spawned,) = runs_of(yard, "spawn").values()
    points = yard.tracker.history(str(spawned["run_id"]), "spawned").items
    assert (spawned["status"], sorted(p.value for p in points)) == ("FINISHED", [0, 1])
    until(lambda: runs_of(yard, "e")["above"].get("metrics.killed") == 1, 60)
    (below,) = runs_of(yard, "e").values()
    assert (below["status"], below["metrics.below"], below["metrics.above"]) == ("FINISHED", 1, 1)
    assert below["tags.by"] == "below"


def test_of_a_distributed_training_one_process_logs(folder: Path, yard: Yard) -> None:
    running = [
        program(folder, f"rank_{n}", RANKS, RANK=str(n), MODELYARD_EXPERIMENT="ranks")
        for n in range(3)
    ]
    for process in running:
        ended(process)
    (row,) = runs_of(yard, "ranks").values()
    assert (row["status"], row["metrics.loss"]) == ("FINISHED", 0.5)
