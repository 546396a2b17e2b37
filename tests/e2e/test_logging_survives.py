"""Logging never slows or ends a training, and what was logged arrives once, whatever dies, breaks or is away (P6, P7, P8, P9)."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from fault_proxy import Proxy
from hub_cases.server import hub_thread, until
from modelyard import Yard
from modelyard.tracking.interface import Status
from modelyard.tracking.recording import recorder_for
from modelyard.tracking.records import Batch, RunBegun, RunEnded, RunLogged
from modelyard.yard.syncing import sync
from tracking_cases.survival import (
    RUN,
    SECONDS,
    all_sent,
    assert_arrived,
    assert_does_not_notice,
    begin,
    kill_at_random,
    known,
    nobody,
    place,
    settled,
    train,
)

__all__ = ["place"]  # a fixture for all


@pytest.mark.parametrize("how", ["refusing", "black hole"])
def test_a_training_does_not_notice_that_the_hub_is_away(how: str, place: Path) -> None:
    assert_does_not_notice(how)


def test_what_was_logged_while_the_hub_was_away_arrives_later(place: Path) -> None:
    with nobody() as port:
        pass
    address = f"http://127.0.0.1:{port}"
    train(address, 1000, "end", "short")
    [spool] = sync(everything=True)
    assert spool.state == "away"
    with hub_thread(place / "yard.db") as url, Proxy(int(url.rpartition(":")[2])) as proxy:
        [folder] = (place / "spool").iterdir()
        facts = (folder / "destination.json").read_text()
        (folder / "destination.json").write_text(facts.replace(str(port), str(proxy.port)))
        proxy.drop_answers(3)  # the hub did it, and nobody heard of it (P6)
        all_sent()
        assert proxy.dropped == 3
        assert sync(everything=True) == []
    with Yard(place / "yard.db") as yard:
        assert_arrived(yard)


def test_a_run_of_a_killed_process_is_lost_and_one_that_was_told_to_end_killed(place: Path) -> None:
    killed, told = "6" * 32, "7" * 32
    database = str(place / "yard.db")
    with (
        begin(database, 10, "wait", RUN=killed) as first,
        begin(database, 10, "wait", RUN=told) as second,
    ):
        for process in (first, second):
            assert process.stdout is not None
            assert process.stdout.readline() == "told\n"
        with Yard(database) as yard:
            until(lambda: all(known(yard, run) for run in (killed, told)), SECONDS)
            time.sleep(1)  # more than two heartbeats
            assert {yard.tracker.run(run).status for run in (killed, told)} == {Status.RUNNING}
            first.kill()
            second.terminate()
            until(lambda: yard.tracker.run(killed).status is Status.LOST, SECONDS)
            until(lambda: yard.tracker.run(told).status is Status.KILLED, SECONDS)
        assert second.wait(SECONDS) == -signal.SIGTERM


def test_a_record_that_is_refused_is_passed_over_and_told(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = recorder_for(str(place / "yard.db"))
    recorder.add(RunBegun(RUN, at_ms=1))
    for step in range(10):
        recorder.metric(RUN, "loss", float(step), step, step)
        recorder.add(RunLogged(RUN, Batch(params={"depth": str(step)})))  # another value each time
    recorder.add(RunLogged(RUN, Batch(params={"last": "1"})))
    recorder.add(RunEnded(RUN, at_ms=2))
    assert not recorder.close(SECONDS)
    complained = capsys.readouterr().err.splitlines()
    assert len(complained) == 1, complained
    assert "depth" in complained[0]
    [spool] = until(settled, SECONDS)
    assert spool.refused == 9
    assert {problem["code"] for problem in spool.plain()["problems"]} == {"conflict"}
    sync(everything=True, forget=True)
    assert sync(everything=True) == []
    with Yard(place / "yard.db") as yard:
        run = yard.tracker.run(RUN)
        assert run.status is Status.FINISHED
        assert run.params == {"depth": "0", "last": "1"}
        assert len(yard.tracker.history(RUN, "loss").items) == 10


def test_whoever_is_killed_what_was_told_arrives_once(place: Path) -> None:
    kill_at_random(place)
