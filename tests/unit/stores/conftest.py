"""Processes of their own, and disks that are soon full."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator
from typing import Any

import pytest

# Processes are forked from a small server that has the modules loaded: each is new, and costs next to nothing.
METHODS = multiprocessing.get_all_start_methods()
PROCESSES: Any = multiprocessing.get_context("forkserver" if "forkserver" in METHODS else "spawn")
multiprocessing.set_forkserver_preload(
    [
        "psycopg",
        "pymysql",
        "sqlalchemy.dialects.mysql",
        "sqlalchemy.dialects.postgresql",
        "modelyard.stores.sql",
        "modelyard.stores.rows.migrations.r0001",
        "modelyard.testing.stores",
    ]
)


class Worker:
    """A process of its own that says what it does."""

    def __init__(self, target: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        self._line, other_end = PROCESSES.Pipe()
        self._process = PROCESSES.Process(target=target, args=(other_end, *arguments), daemon=True)
        self._process.start()
        other_end.close()

    def hear(self) -> Any:
        """The next thing it says; EOFError when it ended."""
        if not self._line.poll(120):
            pytest.fail("a worker is silent")
        return self._line.recv()

    def tell(self, word: str) -> None:
        """Answer it."""
        self._line.send(word)

    def all_it_said(self) -> list[Any]:
        """Everything from here to its end."""
        said = []
        with contextlib.suppress(EOFError, ConnectionResetError):
            while True:
                said.append(self.hear())
        self._process.join(120)
        return said

    def kill(self) -> None:
        """SIGKILL, at once."""
        self._process.kill()

    @property
    def exit_code(self) -> int | None:
        """Minus the signal, for one that was killed."""
        return self._process.exitcode


Start = Callable[..., Worker]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a worker: ``start(workers.write_rows, uri, 1)``. What still runs at the end is killed."""
    running: list[Worker] = []

    def run(target: Callable[..., None], *arguments: Any) -> Worker:
        running.append(Worker(target, arguments))
        return running[-1]

    yield run
    for worker in running:
        worker.kill()
        worker.all_it_said()
