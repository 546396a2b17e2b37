"""Logging never slows or ends a training, and what was logged arrives once, whatever dies, breaks or is away (P6, P7, P8, P9)."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from fault_proxy import Proxy
from hub_cases.server import hub_thread, until
from modelyard import Yard
from modelyard.tracking.interface import Run, Status
from modelyard.tracking.recording import recorder_for
from modelyard.tracking.records import Batch, RunBegun, RunEnded, RunLogged
from modelyard.yard.syncing import Spool, sync

TRAINER = Path(__file__).parents[1] / "tracking_cases" / "trainer.py"
KILLS = int(os.environ.get("MODELYARD_TEST_KILLS", "3"))
"""How many trainings are killed at random."""
SECONDS = 60


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spool of the test's own, whose senders end soon."""
    monkeypatch.setenv("MODELYARD_SPOOL", str(tmp_path / "spool"))
    monkeypatch.setenv("MODELYARD_SENDER_SECONDS", "0.5")
    monkeypatch.setenv("MODELYARD_BEAT_SECONDS", "0.3")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def begin(destination: str, count: int, *words: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(TRAINER), destination, str(count), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "RUN": RUN, **environment},
    )


RUN = "5" * 32


def train(destination: str, count: int, *words: str, **environment: str) -> tuple[str, list[str]]:
    """A training to its end: what it printed, and the lines on stderr."""
    said, complained = begin(destination, count, *words, **environment).communicate(timeout=SECONDS)
    return said, complained.splitlines()


def acknowledged() -> Counter[str]:
    """How often each key was logged, by what the training wrote down."""
    return Counter(line.split()[0] for line in Path("acks").read_text().splitlines())


def logged(yard: Yard) -> tuple[Run, Counter[str]]:
    """The run, and how often each key was logged to it by what the yard has; each point has its own step."""
    run = yard.tracker.run(RUN)
    found = Counter({"run": 1}) + Counter(run.params.keys())
    for metric in run.metrics:
        steps = all_steps(yard, metric.key)
        assert steps == [*range(len(steps))]
        found[metric.key] = len(steps)
    return run, found


def all_steps(yard: Yard, key: str) -> list[int]:
    """Of all points of a metric."""
    page, steps = None, list[int]()
    while True:
        found = yard.tracker.history(RUN, key, page=page)
        steps += [point.step for point in found.items]
        if (page := found.next) is None:
            return steps


def assert_arrived(yard: Yard, *, ended: bool = True) -> Run:
    """All that was acknowledged is there, once; a call that was killed may have told one more."""
    run, found = logged(yard)
    told = acknowledged()
    ends = told.pop("end", 0)
    assert run.status is Status.FINISHED or not ends
    for key, count in told.items():
        told_once = min(count, 1) if key.startswith("p") else count
        assert told_once <= found[key] <= told_once + (not ended), key
    return run


def all_sent() -> None:
    """Whoever sends has nothing left, or is helped."""
    until(lambda: all(spool.state == "sent" for spool in sync(everything=True)), SECONDS)


# P7: the destination is away


@contextlib.contextmanager
def answering(answer: bytes | None, delay: float = 0.0) -> Iterator[int]:
    """A server that takes connections and says this to all, later or never: its port."""
    listener, over = socket.create_server(("127.0.0.1", 0), backlog=100), threading.Event()
    taken: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            taken.append(client)
            if answer is not None:
                threading.Thread(target=say, args=[client], daemon=True).start()

    def say(client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while client.recv(1 << 16):
                if over.wait(delay):
                    return
                client.sendall(answer or b"")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for client in taken:
            client.close()
        thread.join(SECONDS)


BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


@contextlib.contextmanager
def nobody() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield port


AWAY = {
    "refusing": nobody,
    "black hole": lambda: answering(None),
    "500": lambda: answering(BROKEN),
    "30 s slow": lambda: answering(BROKEN, 30.0),
}


@pytest.mark.parametrize("how", AWAY)
def test_a_training_does_not_notice_that_the_hub_is_away(how: str, place: Path) -> None:
    with AWAY[how]() as port:
        said, complained = train(f"http://127.0.0.1:{port}", 20_000, "end", "short", "memory")
    grown, told = said.split()
    assert told == "told"  # every call returned, and no hub ever answered
    assert int(grown) < 20_000  # kB
    assert len(complained) == 1, complained
    assert "modelyard sync" in complained[0]
    [spool] = sync(everything=True, dry_run=True)
    assert spool.waiting == 20_000 + 200 + 3


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


# P8: whoever dies


def test_whoever_is_killed_what_was_told_arrives_once(place: Path) -> None:
    for _ in range(KILLS):
        seed = random.randrange(2**32)
        print(f"seed {seed}")
        chance = random.Random(seed)
        for name in ("acks", "yard.db", "yard.db-wal", "yard.db-shm"):
            Path(name).unlink(missing_ok=True)
        shutil.rmtree(place / "spool", ignore_errors=True)
        trainer = begin(str(place / "yard.db"), 10**9, "kill-sender", SEED=str(seed))
        with trainer:
            until(lambda: Path("acks").exists(), SECONDS)
            time.sleep(chance.uniform(0, 1.5))  # the time of death is random
            trainer.kill()
            assert trainer.stderr is not None
            assert trainer.stderr.read() == ""
        all_sent()
        with Yard(place / "yard.db") as yard:
            if not acknowledged() and not known(yard, RUN):
                continue  # killed before it had told anything
            run = assert_arrived(yard, ended=False)
            assert run.status in (Status.RUNNING, Status.LOST)


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


# P9: who is dead is seen as dead


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


def known(yard: Yard, run_id: str) -> bool:
    with contextlib.suppress(LookupError):
        return yard.tracker.run(run_id) is not None
    return False


# More than one process, one thread, one clock


def test_forked_children_log_to_the_run_of_their_parent(place: Path) -> None:
    _, complained = train(str(place / "yard.db"), 500, "end", "children")
    assert complained == []
    all_sent()
    with Yard(place / "yard.db") as yard:
        run = assert_arrived(yard)
        assert {metric.key for metric in run.metrics} == {"first", "loss", "one", "two"}


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


# What is refused


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


def settled() -> list[Spool] | None:
    """All spools, when there is nothing of them to send."""
    found = sync(everything=True)
    return found if all(spool.state == "sent" for spool in found) else None


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
