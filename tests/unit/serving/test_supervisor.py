"""Several processes on one socket: started, looked after, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelyard.base.errors import ModelyardError, NotFound, NotReady
from modelyard.serving import supervisor
from modelyard.serving.process import listen
from modelyard.serving.supervisor import Supervisor
from serving_cases import seated


@contextlib.contextmanager
def supervised(work: Callable[..., None], folder: Path, count: int = 2, **more: Any) -> Iterator[list[Any]]:  # fmt: skip
    """What the processes told when all were ready; they end afterwards, in order."""
    up, stop = threading.Event(), threading.Event()
    facts: list[Any] = []

    def ready(told: Any) -> None:
        facts.append(told)
        up.set()

    with contextlib.closing(listen("127.0.0.1", 0)) as sock:
        one = Supervisor(sock, work, (str(folder),), count, on_ready=ready, stop=stop, **more)
        thread = threading.Thread(target=one.run)
        thread.start()
        try:
            assert up.wait(120)
            yield facts
        finally:
            stop.set()
            thread.join(120)
            assert not thread.is_alive()


def states(folder: Path) -> dict[int, str]:
    return {int(f.name): f.read_text() for f in folder.iterdir() if f.name.isdigit()}


def working(folder: Path) -> set[int]:
    return {pid for pid, state in states(folder).items() if state == "works"}


def until(true: Callable[[], Any], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.01)


def test_all_are_told_to_end_and_one_that_dies_is_replaced(tmp_path: Path) -> None:
    with supervised(seated.works, tmp_path) as facts:
        until(lambda: len(working(tmp_path)) == 2)
        victim, other = sorted(working(tmp_path))
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(working(tmp_path)) == 3)
    assert facts[0][0] == "127.0.0.1"
    assert len(facts) == 1
    ends = states(tmp_path)
    assert ends.pop(victim) == "works"
    assert list(ends.values()) == ["ended", "ended"]
    assert other in ends


def test_one_whose_loop_stands_still_is_replaced(tmp_path: Path) -> None:
    with supervised(seated.stands_still_once, tmp_path, hang_seconds=2.0):
        until(lambda: len(working(tmp_path)) == 2)


def start(work: Callable[..., None], folder: Path) -> None:
    with contextlib.closing(listen("127.0.0.1", 0)) as sock:
        Supervisor(sock, work, (str(folder),), 2).run()


def test_when_none_gets_ready_it_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(supervisor, "PAUSES", (0.0,))
    with pytest.raises(NotReady, match="no worker gets ready: 5 in a row ended, the last one ended with code 9"):  # fmt: skip
        start(seated.dies, tmp_path)


def test_one_that_says_why_it_cannot_is_believed(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="chrun") as refused:
        start(seated.cannot, tmp_path)
    assert isinstance(refused.value, ModelyardError)
    assert refused.value.hint == "did you mean 'churn'?"
