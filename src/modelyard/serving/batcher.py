"""Hand requests to worker threads, joining those that wait into batches.

A call of the model starts at once when a worker is free; what arrives while all are busy is gathered, and the next free
worker takes it as one batch. There is no window and no timer to tune: a lone request never waits, and under load batches
grow by themselves until the model keeps up.

All state belongs to the event loop's thread; workers only see finished batches. Sizes are counted in records.
"""

from __future__ import annotations

import asyncio
import math
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from modelyard.base.errors import ModelyardError, Overloaded
from modelyard.serving.execution import Method, Outcome, answer
from modelyard.serving.interface import Batching, Limits, Request

SWEEP_SECONDS = 0.25
"""How often waiting requests are looked through for deadlines that passed."""


@dataclass(eq=False, slots=True)
class _Job:
    method: Method
    request: Request
    done: asyncio.Future[Any]
    until: float
    """`time.monotonic()` by which its turn must have come."""


class Batcher:
    """The queue and the workers of one model. Make and use it on the event loop."""

    def __init__(
        self,
        name: str,
        batching: Batching,
        limits: Limits,
        on_batch: Callable[[int], None] = lambda rows: None,
        run: Callable[[Method, Sequence[Request]], Sequence[Outcome]] = answer,
    ) -> None:
        self.waiting_rows = 0
        self._name = name
        self._batching = batching
        self._limits = limits
        self._on_batch = on_batch
        self._run = run
        self._loop = asyncio.get_running_loop()
        self._groups: dict[Hashable, deque[_Job]] = {}
        self._inbox: queue.SimpleQueue[list[_Job] | None] = queue.SimpleQueue()
        self._free = batching.workers
        self._seconds = 0.0
        self._sweep: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        for number in range(batching.workers):
            # A daemon, so that a model that hangs cannot keep the process alive after the drain's time is up.
            thread = threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True)
            thread.start()

    def submit(self, method: Method, request: Request) -> asyncio.Future[Any]:
        """Queue a request; the future gets the value, or the error. A cancelled future gives its place up.

        Raises `Overloaded` when too many records wait already.
        """
        waiting = self.waiting_rows
        if waiting and waiting + request.rows > self._limits.queued_rows:
            raise self._overloaded(f"{waiting} records wait for model '{self._name}' already")
        until = time.monotonic() + self._limits.wait_seconds
        if request.deadline is not None:
            until = min(until, request.deadline)
        job = _Job(method, request, self._loop.create_future(), until)
        group = method.group(request) if self._batching.enabled else None
        self._groups.setdefault(job if group is None else group, deque()).append(job)
        self.waiting_rows += request.rows
        self._idle.clear()
        if self._free:
            self._dispatch()
        elif self._sweep is None:
            self._sweep = self._loop.call_later(SWEEP_SECONDS, self._drop_expired)
        return job.done

    async def idle(self) -> None:
        """Wait until nothing waits and nothing runs."""
        await self._idle.wait()

    def close(self) -> None:
        """Let the workers end after what they are doing."""
        for _ in range(self._batching.workers):
            self._inbox.put(None)

    def _dispatch(self) -> None:
        while self._free and self._groups:
            jobs = self._take()
            if not jobs:
                continue
            self._free -= 1
            self._on_batch(sum(job.request.rows for job in jobs))
            self._inbox.put(jobs)
        if self._free == self._batching.workers:
            self._idle.set()

    def _take(self) -> list[_Job]:
        """The jobs of the group whose turn it is, up to the size of a batch; a group with more goes to the end."""
        group, queued = next(iter(self._groups.items()))
        del self._groups[group]
        jobs: list[_Job] = []
        rows = 0
        while queued and (not jobs or rows + queued[0].request.rows <= self._batching.rows):
            job = queued.popleft()
            self.waiting_rows -= job.request.rows
            if not self._given_up(job):
                jobs.append(job)
                rows += job.request.rows
        if queued:
            self._groups[group] = queued
        return jobs

    def _given_up(self, job: _Job) -> bool:
        if job.done.done():
            return True
        if job.until > time.monotonic():
            return False
        job.done.set_exception(self._overloaded("the request's time was up before its turn came"))
        return True

    def _drop_expired(self) -> None:
        self._sweep = None
        for group, queued in list(self._groups.items()):
            kept = deque(job for job in queued if not self._given_up(job))
            if kept:
                self._groups[group] = kept
            else:
                del self._groups[group]
        self.waiting_rows = sum(j.request.rows for q in self._groups.values() for j in q)
        if self._groups:
            self._sweep = self._loop.call_later(SWEEP_SECONDS, self._drop_expired)

    def _overloaded(self, why: str) -> Overloaded:
        batches = 1 + self.waiting_rows / self._batching.rows
        seconds = max(1, math.ceil(self._seconds * batches / self._batching.workers))
        return Overloaded(why, hint=f"try again in {seconds} s", retry_after=seconds)

    def _work(self) -> None:
        while (jobs := self._inbox.get()) is not None:
            started = time.perf_counter()
            outcomes = self._run(jobs[0].method, [job.request for job in jobs])
            seconds = time.perf_counter() - started
            try:
                self._loop.call_soon_threadsafe(self._finish, jobs, outcomes, seconds)
            except RuntimeError:  # the loop is closed: nobody is left to tell
                return
            del jobs, outcomes

    def _finish(self, jobs: Sequence[_Job], outcomes: Sequence[Any], seconds: float) -> None:
        self._free += 1
        self._seconds += (seconds - self._seconds) / 8
        for job, outcome in zip(jobs, outcomes, strict=True):
            if job.done.done():
                continue
            if isinstance(outcome, ModelyardError):
                job.done.set_exception(outcome)
            else:
                job.done.set_result(outcome)
        self._dispatch()
