"""Trainings that log while something dies, and whether all they told has arrived once."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub_cases.server import until
from modelyard import Yard
from modelyard.tracking.interface import Run, Status
from modelyard.yard.syncing import Spool, sync

TRAINER = Path(__file__).with_name("trainer.py")
SECONDS = 60
RUN = "5" * 32


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


@contextlib.contextmanager
def nobody() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield port


def known(yard: Yard, run_id: str) -> bool:
    with contextlib.suppress(LookupError):
        return yard.tracker.run(run_id) is not None
    return False


def settled() -> list[Spool] | None:
    """All spools, when there is nothing of them to send."""
    found = sync(everything=True)
    return found if all(spool.state == "sent" for spool in found) else None


def kill_at_random(place: Path) -> None:
    """Kill a training and, more than once, its sender, at random moments; then all that it told is there once."""
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
            return  # killed before it had told anything
        run = assert_arrived(yard, ended=False)
        assert run.status in (Status.RUNNING, Status.LOST)


BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"

AWAY = {
    "refusing": nobody,
    "black hole": lambda: answering(None),
    "500": lambda: answering(BROKEN),
    "30 s slow": lambda: answering(BROKEN, 30.0),
}
"""How a hub can be away."""


def assert_does_not_notice(how: str) -> None:
    """A training goes on as ever while the hub is away, and all it told is kept."""
    with AWAY[how]() as port:
        said, complained = train(f"http://127.0.0.1:{port}", 20_000, "end", "short", "memory")
    grown, told = said.split()
    assert told == "told"  # every call returned, and no hub ever answered
    assert int(grown) < 20_000  # kB
    assert len(complained) == 1, complained
    assert "modelyard sync" in complained[0]
    [spool] = sync(everything=True, dry_run=True)
    assert spool.waiting == 20_000 + 200 + 3
