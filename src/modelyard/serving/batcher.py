"""Hand requests to worker threads, joining those that wait into batches.

A call of the model starts at once when a worker is free; what arrives while all are busy is gathered, and the next free
worker takes it as one batch. There is no window and no timer to tune: a lone request never waits, and under load batches
grow by themselves until the model keeps up.

A call that has been seen to take less than a millisecond is made on the event loop itself: handing it to a thread and
back would take as long. That is done only for methods of libraries we know, one batch at a time.

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

from modelyard.base.errors import ModelyardError, Overloaded, TimedOut
from modelyard.serving.asking import ASKED, Asked
from modelyard.serving.execution import Method, Outcome, answer
from modelyard.serving.interface import Batching, Limits, Request

SWEEP_SECONDS = 0.25
"""How often, at least, requests are looked through for deadlines that passed."""
SOONEST_SECONDS = 0.005
QUICK_SECONDS = 0.001
"""What is called on the event loop has taken less than this, in the mean of its last calls with about as many records."""


@dataclass(eq=False, slots=True)
class _Job:
    method: Method
    request: Request
    done: asyncio.Future[Any]
    until: float
    """`time.monotonic()` by which its turn must have come."""
    queued: float
    """`time.perf_counter()`."""
    asked: Asked | None
    """Where it is noted how long all took, if anybody wants to know."""


class Observer:
    """What is told of a batcher's work. This one does not listen."""

    def done(self, waits: Sequence[float], seconds: float) -> None:
        """A call of the model is over: how long each request waited for it, and how long it took."""

    def refused(self, reason: str) -> None:
        """A request got no answer: ``queue``, ``wait``, ``deadline`` or ``answer`` was over its limit."""


class Batcher:
    """The queue and the workers of one model. Make and use it on the event loop."""

    def __init__(
        self,
        name: str,
        batching: Batching,
        limits: Limits,
        on_batch: Callable[[int], None] = lambda rows: None,
        *,
        run: Callable[[Method, Sequence[Request]], Sequence[Outcome]] = answer,
        observer: Observer | None = None,
        apart: bool = False,
    ) -> None:
        """``apart`` keeps all calls off the event loop."""
        self.waiting_rows = 0
        self._name = name
        self._batching = batching
        self._limits = limits
        self._on_batch = on_batch
        self._run = run
        self._observer = observer or Observer()
        self._loop = asyncio.get_running_loop()
        self._groups: dict[Hashable, deque[_Job]] = {}
        self._inbox: queue.SimpleQueue[list[_Job] | None] = queue.SimpleQueue()
        self._free = batching.workers
        self._seconds = 0.0
        self._apart = apart or batching.workers > 1
        self._pace: dict[tuple[str, int], float] = {}
        """Method and size of a batch (as a power of two) -> seconds of a call."""
        self._planned = False
        self._running: dict[int, tuple[float, list[_Job]]] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self._sweep_at = 0.0
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
            self._observer.refused("queue")
            raise self._overloaded(f"{waiting} records wait for model '{self._name}' already")
        now = time.monotonic()
        until = now + self._limits.wait_seconds
        if request.deadline is not None:
            until = min(until, request.deadline)
            self._look_in(request.deadline - now)
        done = self._loop.create_future()
        job = _Job(method, request, done, until, time.perf_counter(), ASKED.get())
        group = method.group(request) if self._batching.enabled else None
        self._groups.setdefault(job if group is None else group, deque()).append(job)
        self.waiting_rows += request.rows
        self._idle.clear()
        if self._free:
            self._plan()
        elif self._sweep is None:
            self._look_in(SWEEP_SECONDS)
        return done

    def stuck(self, seconds: float) -> bool:
        """Whether every worker is busy with a call that takes longer than this, while others wait."""
        longest = time.monotonic() - seconds
        return bool(self._groups) and not self._free and all(began < longest for began, _ in self._running.values())  # fmt: skip

    async def idle(self) -> None:
        """Wait until nothing waits and nothing runs."""
        await self._idle.wait()

    def close(self) -> None:
        """Let the workers end after what they are doing."""
        for _ in range(self._batching.workers):
            self._inbox.put(None)

    def _plan(self) -> None:
        """Dispatch once everything that came in together is in the queue; several workers share what came."""
        if self._batching.workers > 1:
            self._dispatch()
        elif not self._planned:
            self._planned = True
            self._loop.call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._planned = False
        while self._free and self._groups:
            jobs = self._take()
            if not jobs:
                continue
            rows = sum(job.request.rows for job in jobs)
            self._on_batch(rows)
            if self._is_quick(jobs[0].method, rows):
                self._conclude(jobs, *self._called(jobs))
                if self._groups:
                    self._plan()  # others on the loop have their turn in between
                break
            self._free -= 1
            self._running[id(jobs)] = time.monotonic(), jobs
            if self._limits.answer_seconds and self._sweep is None:
                self._look_in(SWEEP_SECONDS)
            self._inbox.put(jobs)
        if self._free == self._batching.workers and not self._groups:
            self._idle.set()

    def _is_quick(self, method: Method, rows: int) -> bool:
        known = not self._apart and (method.joins or method.engine is not None)
        return known and self._pace.get((method.name, rows.bit_length()), 1.0) < QUICK_SECONDS

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
        now = time.monotonic()
        if job.until > now:
            return False
        if job.request.deadline is not None and job.request.deadline <= now:
            self._time_out(job, "deadline", "the request's time was up before its turn came")
        else:
            self._observer.refused("wait")
            why = "the request's time was up before its turn came"
            job.done.set_exception(self._overloaded(why))
        return True

    def _time_out(self, job: _Job, reason: str, why: str) -> None:
        self._observer.refused(reason)
        job.done.set_exception(TimedOut(why))

    def _look_in(self, seconds: float) -> None:
        """See to it that deadlines are looked at in so many seconds, or sooner."""
        seconds = min(max(seconds, SOONEST_SECONDS), SWEEP_SECONDS)
        at = time.monotonic() + seconds
        if self._sweep is not None:
            if self._sweep_at <= at:
                return
            self._sweep.cancel()
        self._sweep_at = at
        self._sweep = self._loop.call_later(seconds, self._drop_expired)

    def _drop_expired(self) -> None:
        self._sweep = None
        for group, queued in list(self._groups.items()):
            kept = deque(job for job in queued if not self._given_up(job))
            if kept:
                self._groups[group] = kept
            else:
                del self._groups[group]
        waiting = [job for queued in self._groups.values() for job in queued]
        self.waiting_rows = sum(job.request.rows for job in waiting)
        expected = self._let_go()
        if waiting or expected:
            moments = [*expected, *(job.until for job in waiting)]
            self._look_in(min(moments) - time.monotonic())

    def _let_go(self) -> list[float]:
        """Tell those whose answer takes too long. The call goes on, and what it says is thrown away; returns by when the
        others must have theirs."""
        now, longest = time.monotonic(), self._limits.answer_seconds
        moments: list[float] = []
        for began, jobs in self._running.values():
            for job in jobs:
                deadline = job.request.deadline
                if job.done.done():
                    continue
                if deadline is not None and deadline <= now:
                    self._time_out(job, "deadline", "the request's time was up before its answer came")  # fmt: skip
                elif longest and began + longest <= now:
                    self._time_out(job, "answer", f"the model did not answer within {longest:g} s")
                else:
                    moments += [m for m in (deadline, began + longest if longest else None) if m]
        return moments

    def _overloaded(self, why: str) -> Overloaded:
        batches = 1 + self.waiting_rows / self._batching.rows
        seconds = max(1, math.ceil(self._seconds * batches / self._batching.workers))
        return Overloaded(why, hint=f"try again in {seconds} s", retry_after=seconds)

    def _work(self) -> None:
        while (jobs := self._inbox.get()) is not None:
            called = self._called(jobs)
            try:
                self._loop.call_soon_threadsafe(self._finish, jobs, *called)
            except RuntimeError:  # the loop is closed: nobody is left to tell
                return
            del jobs, called

    def _called(self, jobs: Sequence[_Job]) -> tuple[Sequence[Any], float, float]:
        """Call the model: the outcomes, when it began, how long it took."""
        started = time.perf_counter()
        outcomes = self._run(jobs[0].method, [job.request for job in jobs])
        return outcomes, started, time.perf_counter() - started

    def _finish(
        self, jobs: list[_Job], outcomes: Sequence[Any], started: float, seconds: float
    ) -> None:
        self._free += 1
        del self._running[id(jobs)]
        self._conclude(jobs, outcomes, started, seconds)
        self._dispatch()

    def _conclude(
        self, jobs: list[_Job], outcomes: Sequence[Any], started: float, seconds: float
    ) -> None:
        self._seconds += (seconds - self._seconds) / 8
        rows = sum(job.request.rows for job in jobs)
        size = jobs[0].method.name, rows.bit_length()
        pace = self._pace.get(size, seconds)
        self._pace[size] = pace + (seconds - pace) / 4
        self._observer.done([started - job.queued for job in jobs], seconds)
        for job, outcome in zip(jobs, outcomes, strict=True):
            if job.asked is not None:
                self._note(job.asked, job, rows, started, seconds)
            if job.done.done():
                continue
            if isinstance(outcome, ModelyardError):
                job.done.set_exception(outcome)
            else:
                job.done.set_result(outcome)

    def _note(self, asked: Asked, job: _Job, rows: int, started: float, seconds: float) -> None:
        asked.wait_ms, asked.run_ms = (started - job.queued) * 1000, seconds * 1000
        asked.run_began = started
        asked.batch_rows = rows
