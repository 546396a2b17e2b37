"""Runs that other tools kept come into the yard: exactly, once, and what is new of them later."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import modelyard as my
import run_file_writers as write
from hub_cases.server import hub_thread, until
from modelyard.base.errors import InvalidInput, NotFound

VALUES = [1.5, float("nan"), 0.1, -0.0]
CONFIG = {"rate": 0.1, "model": {"depth": 3}}


@pytest.fixture(params=["file", "hub"])
def yard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[my.Yard]:
    """A yard of its own, at hand or behind a hub."""
    if request.param == "file":
        with my.Yard(tmp_path / "yard.db") as found:
            yield found
    else:
        with my.Yard(tmp_path / "yard.db"):
            pass
        with hub_thread(tmp_path / "yard.db") as url, my.Yard(url) as found:
            yield found


@pytest.fixture
def local(tmp_path: Path) -> Iterator[my.Yard]:
    with my.Yard(tmp_path / "yard.db") as found:
        yield found


def history(yard: my.Yard, run_id: str, key: str) -> list[tuple[int, str]]:
    return [(m.step, repr(m.value)) for m in yard.tracker.history(run_id, key).items]


def steps(values: list[float]) -> list[tuple[int, str]]:
    return [(step, repr(value)) for step, value in enumerate(values)]


def told(values: list[float]) -> list[bytes]:
    return [write.history(step, loss=value) for step, value in enumerate(values)]


def brought(yard: my.Yard, path: Path, **more: Any) -> dict[str, Any]:
    (row,) = yard.runs.import_files(path, **more)
    return row


def test_a_run_comes_whole_and_once(yard: my.Yard, tmp_path: Path) -> None:
    path = write.wandb(
        tmp_path / "work", [write.begun(config=CONFIG), *told(VALUES), write.exited()]
    )
    row = brought(yard, tmp_path / "work")
    assert (row["from"], row["outcome"], row["points"], row["files"]) == ("wandb", "new", 4, 1)
    run = yard.runs.get(row["run_id"])
    assert (run.name, run.status, run.started_ms) == ("first", "FINISHED", write.BEGAN * 1000)
    assert run.ended_ms == (write.BEGAN + 3) * 1000
    assert run.params == {"rate": "0.1", "model.depth": "3"}
    assert run.tags["modelyard.imported_from"] == f"wandb {path}"
    assert yard.tracker.experiment(run.experiment_id).name == "churn"
    assert history(yard, run.run_id, "loss") == steps(VALUES)
    with yard.artifacts.open(f"run:{run.run_id}", "output.log") as file:
        assert file.read() == b"hello\n"
    again = brought(yard, tmp_path / "work")
    assert (again["outcome"], again["points"], again["files"]) == ("unchanged", 0, 0)
    assert yard.runs.get(run.run_id) == run


def test_of_a_run_that_has_grown_what_is_new_comes(yard: my.Yard, tmp_path: Path) -> None:
    grown = [write.begun(config=CONFIG), *told([*VALUES, 5.0, 6.0]), write.exited(2)]
    path = write.wandb(tmp_path / "work", grown)
    data = path.read_bytes()
    path.write_bytes(write.wandb_log(grown[:4]) + data[-3:])  # and a piece of what comes next
    first = brought(yard, path)
    assert (first["outcome"], first["points"]) == ("new", 3)
    assert yard.runs.get(first["run_id"]).status == "LOST"
    path.write_bytes(data)
    more = brought(yard, path)
    assert (more["outcome"], more["points"]) == ("more", 3)
    assert more["run_id"] == first["run_id"]
    assert history(yard, first["run_id"], "loss") == steps([*VALUES, 5.0, 6.0])
    assert yard.runs.get(first["run_id"]).status == "FAILED"


def test_more_points_than_fit_into_one_request(local: my.Yard, tmp_path: Path) -> None:
    values = [step / 3 for step in range(12_345)]
    write.dvclive(tmp_path / "work", values)
    row = brought(local, tmp_path / "work")
    assert row["points"] == 2 * len(values)
    found, page = [], None
    while page is not None or not found:
        part = local.tracker.history(row["run_id"], "val/acc", page=page)
        found += [(m.step, m.value) for m in part.items]
        page = part.next
    assert found == list(enumerate(values))


def test_a_folder_that_the_next_training_wrote_over_is_another_run(
    local: my.Yard, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    write.dvclive(work, [0.5, 0.25])
    first = brought(local, work)
    write.dvclive(work, [0.5, 0.25, 0.125])
    assert brought(local, work)["run_id"] == first["run_id"]
    for others in ([0.5, 0.3, 0.2, 0.1], [0.5, 0.25]):
        write.dvclive(work, others)
        other = brought(local, work)
        assert other["outcome"] == "new"
        assert history(local, other["run_id"], "loss") == steps(others)
        assert brought(local, work)["outcome"] == "unchanged"
    write.dvclive(work, [0.5, 0.25], depth=4)
    assert brought(local, work)["outcome"] == "new"
    assert len(local.runs.search(records=True)) == 4


def test_a_training_that_goes_on_in_another_file_is_the_same_run(
    local: my.Yard, tmp_path: Path
) -> None:
    logs = tmp_path / "runs"
    write.tensorboard(logs / "a/events.out.tfevents.1.host", write.losses(VALUES))
    write.tensorboard(logs / "b/events.out.tfevents.1.host", write.losses([9.0]))
    first = {row["name"]: row for row in local.runs.import_files([logs])}
    assert {name: row["points"] for name, row in first.items()} == {"a": 4, "b": 1}
    write.tensorboard(logs / "a/events.out.tfevents.2.host", write.losses([7.0], first=4))
    moved = tmp_path / "elsewhere"
    logs.rename(moved)
    again = {row["name"]: row for row in local.runs.import_files([moved])}
    assert {name: row["points"] for name, row in again.items()} == {"a": 1, "b": 0}
    assert again["a"]["run_id"] == first["a"]["run_id"]


def test_what_was_changed_here_stays(local: my.Yard, tmp_path: Path) -> None:
    path = write.wandb(tmp_path / "work", [write.begun(config=CONFIG), *told(VALUES)])
    run_id = brought(local, path)["run_id"]
    local.runs.log(run_id, tags={"wandb.tag.a tag": None, "mine": "1"})
    local.artifacts.delete(f"run:{run_id}", "output.log")
    assert brought(local, path)["outcome"] == "unchanged"
    tags = local.runs.get(run_id).tags
    assert tags["mine"] == "1"
    assert "wandb.tag.a tag" not in tags
    assert local.artifacts.stat(f"run:{run_id}", "output.log") is None


def test_a_deleted_run_stays_deleted_and_a_purged_one_comes_again(
    local: my.Yard, tmp_path: Path
) -> None:
    path = write.wandb(tmp_path / "work", [write.begun(), *told(VALUES)])
    run_id = brought(local, path)["run_id"]
    local.runs.delete(run_id)
    row = brought(local, path)
    assert row["outcome"] == "refused"
    assert "deleted" in row["notes"][0]
    local.runs.purge(run_id)
    again = brought(local, path)
    assert (again["outcome"], again["points"]) == ("new", 4)
    assert history(local, again["run_id"], "loss") == steps(VALUES)
    assert brought(local, path)["outcome"] == "unchanged"


def test_an_import_that_was_killed_goes_on_where_it_was(local: my.Yard, tmp_path: Path) -> None:
    values = [step / 3 for step in range(20_000)]
    write.tensorboard(tmp_path / "runs/a/events.out.tfevents.1", write.losses(values))
    child = subprocess.Popen(
        [sys.executable, "-m", "modelyard", "runs", "import", "runs"],
        cwd=tmp_path, env={**os.environ, "MODELYARD_URI": str(tmp_path / "yard.db")},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        begun = "metrics.loss > 0"
        until(lambda: child.poll() is not None or local.runs.search(begun, records=True), 60)
    finally:
        child.kill()
        child.wait(60)
    (found,) = local.runs.search(records=True)
    row = brought(local, tmp_path / "runs")
    assert row["run_id"] == found["run_id"]
    assert 0 < row["points"] < len(values)
    got, page = [], None
    while not got or page is not None:
        part = local.tracker.history(row["run_id"], "loss", page=page)
        got += [metric.step for metric in part.items]
        page = part.next
    assert got == list(range(len(values)))
    assert local.runs.get(row["run_id"]).status == "FINISHED"


def test_a_dry_run_says_it_all_and_changes_nothing(yard: my.Yard, tmp_path: Path) -> None:
    write.dvclive(tmp_path / "work", VALUES)
    row = brought(yard, tmp_path / "work", dry_run=True)
    assert (row["outcome"], row["points"], row["files"]) == ("new", 8, 2)
    assert yard.runs.search(records=True) == []
    assert brought(yard, tmp_path / "work")["run_id"] == row["run_id"]


def test_all_that_lies_in_a_folder_comes_into_the_experiment_that_is_named(
    local: my.Yard, tmp_path: Path
) -> None:
    write.dvclive(tmp_path / "work", VALUES)
    write.wandb(tmp_path / "work", [write.begun()])
    rows = local.runs.import_files([tmp_path / "work"], experiment="all")
    assert [row["from"] for row in rows] == ["dvclive", "wandb"]
    assert {row["experiment"] for row in local.runs.search(records=True)} == {"all"}
    one = local.runs.import_files([tmp_path / "work"], tool="dvclive")
    assert [(row["from"], row["outcome"]) for row in one] == [("dvclive", "unchanged")]


def test_a_path_with_nothing_to_bring_is_refused(local: my.Yard, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing at"):
        local.runs.import_files(tmp_path / "no")
    with pytest.raises(InvalidInput, match="no runs that another tool kept"):
        local.runs.import_files(tmp_path)
    with pytest.raises(NotFound, match="no run_files plugin named 'wandbb'"):
        local.runs.import_files(tmp_path, tool="wandbb")
