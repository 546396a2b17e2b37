"""Group commit: the writes of many threads in one transaction, for SQLite, where each commit waits for the disk.

Whoever comes first leads: it runs what others have asked for meanwhile too, each in a savepoint of its own, and
commits once. Nobody is told of success before that commit, so an acknowledged write is as safe as alone. A write that
fails is undone alone; when the commit fails, all of them fail.
"""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection

from modelyard.base.errors import Overloaded

MOST = 64
"""How many writes share a commit."""

Context = Callable[[], AbstractContextManager[Any]]


class _Job:
    """A write that somebody waits for. It runs in its own context (who calls, which request), whoever leads."""

    def __init__(self, function: Callable[[Connection], Any]) -> None:
        self._function = function
        self._context = contextvars.copy_context()
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = False

    def run(self, connection: Connection) -> None:
        self.result = self._context.run(self._function, connection)


class Groups:
    """The queue of a database's writers in this process. ``write`` opens a transaction, ``named`` names its faults."""

    def __init__(self, write: Context, named: Context) -> None:
        self._write = write
        self._named = named
        self._waiting: deque[_Job] = deque()
        self._lead = threading.Lock()

    def run(self, function: Callable[[Connection], Any]) -> Any:
        """Run a function in a transaction, perhaps together with others', and return what it returns once that is
        committed. What it raises is raised."""
        job = _Job(function)
        self._waiting.append(job)
        with self._lead:
            while not job.done:
                self._run_waiting()
        if job.error is not None:
            raise job.error
        return job.result

    def _run_waiting(self) -> None:
        jobs: list[_Job] = []
        while self._waiting and len(jobs) < MOST:
            jobs.append(self._waiting.popleft())
        try:
            with self._write() as connection:
                if len(jobs) == 1:
                    jobs[0].run(connection)
                else:
                    self._run_apart(connection, jobs)
        except Exception as error:  # noqa: BLE001 - each raises it where it was asked for
            for job in jobs:
                job.error = error
        except BaseException:  # the leader alone is interrupted
            for job in jobs:
                job.error = Overloaded(
                    "the write was interrupted before its commit", transient=True
                )
            raise
        finally:
            for job in jobs:
                job.done = True

    def _run_apart(self, connection: Connection, jobs: list[_Job]) -> None:
        """Each in a savepoint: what fails leaves nothing behind, and the others go on."""
        for job in jobs:
            try:
                with self._named(), connection.begin_nested():
                    job.run(connection)
            except Exception as error:
                raw: Any = connection.connection.driver_connection
                if not raw.in_transaction:  # a full disk undoes all of it
                    raise
                job.error = error
