"""What was logged arrives once, whoever is killed when, from however many machines (P8): too long for every run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hub_cases.server import hub_thread, until
from modelyard import Yard
from modelyard.tracking.interface import Status
from modelyard.tracking.recording import recorder_for
from modelyard.yard.syncing import sync
from tracking_cases.survival import (
    RUN,
    SECONDS,
    all_sent,
    assert_arrived,
    assert_does_not_notice,
    kill_at_random,
    nobody,
    place,
    settled,
    train,
)

__all__ = ["place"]  # a fixture for all

KILLS = int(os.environ.get("MODELYARD_TEST_KILLS", "15"))
"""How many trainings are killed at random."""


@pytest.mark.timeout(900)
def test_whoever_is_killed_what_was_told_arrives_once(place: Path) -> None:
    for _ in range(KILLS):
        kill_at_random(place)


@pytest.mark.parametrize("how", ["500", "30 s slow"])
def test_a_training_does_not_notice_that_the_hub_is_away(how: str, place: Path) -> None:
    assert_does_not_notice(how)


def test_forked_children_log_to_the_run_of_their_parent(place: Path) -> None:
    _, complained = train(str(place / "yard.db"), 500, "end", "children")
    assert complained == []
    all_sent()
    with Yard(place / "yard.db") as yard:
        run = assert_arrived(yard)
        assert {metric.key for metric in run.metrics} == {"first", "loss", "one", "two"}


def test_copies_of_a_spool_on_two_machines_arrive_once(place: Path) -> None:
    with nobody() as port:
        train(f"http://127.0.0.1:{port}", 8000, "end", "short")
    [folder] = (place / "spool").iterdir()
    shutil.copytree(folder, place / "other" / folder.name)
    with hub_thread(place / "yard.db") as url:
        for copy in (folder, place / "other" / folder.name):
            facts = (copy / "destination.json").read_text()
            (copy / "destination.json").write_text(facts.replace(str(port), url.rpartition(":")[2]))
        command = [sys.executable, "-m", "modelyard", "sync", "--json"]
        both = [subprocess.Popen([*command, place]) for place in ("spool", "other")]
        assert [process.wait(SECONDS) for process in both] == [0, 0]
    assert sync(["other"]) == sync(["spool"]) == []
    with Yard(place / "yard.db") as yard:
        assert_arrived(yard)


def test_damage_in_the_middle_costs_what_it_hits_and_is_told(place: Path) -> None:
    with nobody() as port:
        train(f"http://127.0.0.1:{port}", 3000, "end", "short")
    [folder] = (place / "spool").iterdir()
    (folder / "destination.json").write_text(
        '{"address": "sqlite:///%s"}' % (place / "yard.db").as_posix()  # noqa: UP031
    )
    [segment] = folder.glob("*/*.seg")
    with segment.open("r+b") as stream:
        stream.seek(100_000)
        stream.write(b"\xff" * 1000)
    [spool] = sync(everything=True)
    assert spool.state == "sent"
    assert 10 <= spool.lost <= 13
    assert f"{spool.lost} damaged records" in str(spool.plain()["problems"])
    with Yard(place / "yard.db") as yard:
        assert yard.tracker.run(RUN).status is Status.FINISHED
        assert len(yard.tracker.history(RUN, "loss").items) == 3000 - spool.lost


@pytest.mark.parametrize("skew", ["+1d", "-1d"])
def test_a_clock_that_is_a_day_off_loses_nothing(skew: str, place: Path) -> None:
    library = next(iter(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)
    if library is None:
        pytest.fail("no libfaketime: apt-get install faketime")
    fake = {"LD_PRELOAD": str(library), "FAKETIME": skew}
    _, complained = train(str(place / "yard.db"), 500, "end", **fake)
    assert complained == []
    all_sent()
    with Yard(place / "yard.db") as yard:
        run = assert_arrived(yard)
        assert 0.9 < abs(run.started_ms / 1000 - time.time()) / 86_400 < 1.1


def test_what_is_logged_to_a_run_that_nobody_begins_is_kept_until_somebody_does(
    place: Path,
) -> None:
    recorder = recorder_for(str(place / "yard.db"))
    for step in range(2000):
        recorder.metric(RUN, "loss", float(step), step, step)
    assert not recorder.close(SECONDS)
    with Yard(place / "yard.db") as yard:
        yard.tracker.create_run(0, run_id=RUN)
        until(settled, SECONDS)
        assert len(yard.tracker.history(RUN, "loss").items) == 2000
    recorder.metric("9" * 32, "loss", 1.0, 1, 1)
    assert not recorder.close(SECONDS)
    [spool] = until(settled, SECONDS)  # who syncs waits for nobody
    assert spool.refused == 1
