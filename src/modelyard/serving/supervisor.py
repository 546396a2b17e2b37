"""Several processes on one socket: start them, look after them, end them in order. Models and the hub are served by it alike.

The socket is bound here, once; each process accepts from it by itself, and this one touches no request. A process that ends is
replaced, after a pause that grows while they end soon; one whose event loop stands still is ended and replaced. SIGTERM and SIGINT
let all of them finish what they have in hand; SIGHUP puts a new one in the place of each, one after the other, with no gap.
"""

from __future__ import annotations

import contextlib
import queue
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelyard.base.errors import NotReady
from modelyard.serving.isolated import PackedError, unpack_error
from modelyard.serving.seats import Ready, take_seat
from modelyard.serving.spawning import QUIET, Spawned, spawn

MOST_WORKERS = 64
PAUSES = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before another is started, by how many ended soon in a row; then always the last."""
SETTLED_SECONDS = 5.0
"""One that was ready for so long did not end soon."""
MOST_FAILURES = 5
"""So many in a row that ended before they were ready, and none that is: it will not get better."""
TICK_SECONDS = 0.25
END_SECONDS = 25.0
"""What ending in order takes beside the requests in flight: closing, writing the rest of the log."""


@dataclass(eq=False)
class _Worker:
    number: int
    spawned: Spawned
    ready_at: float = 0.0
    """0 until it is ready."""
    heard_at: float = 0.0
    ending: bool = False
    replaces: _Worker | None = None
    failure: PackedError | None = None


@dataclass
class Supervisor:
    """Runs ``work(seat, *arguments)`` in several processes on one socket; everything must be picklable."""

    sock: socket.socket
    work: Callable[..., None]
    arguments: tuple[Any, ...]
    count: int
    on_ready: Callable[[Any], object] = lambda facts: None
    """Called once, when all are ready, with what the last of them told."""
    drain_seconds: float = 30.0
    hang_seconds: float = 60.0
    """An event loop that stands still for so long does not come back; 0 never ends one for it."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    stop: threading.Event | None = None
    _workers: list[_Worker] = field(default_factory=list["_Worker"])
    _events: queue.SimpleQueue[tuple[_Worker | None, Any]] = field(
        default_factory=queue.SimpleQueue
    )
    _soon: int = 0
    """How many ended soon, in a row."""
    _failures: int = 0
    """How many ended before they were ready, in a row."""
    _due: list[float] = field(default_factory=list[float])
    """When to start the ones that are missing."""
    _to_replace: list[_Worker] = field(default_factory=list["_Worker"])
    _started: bool = False
    _told: bool = False
    _end_by: float = 0.0
    """0 until the end began."""
    _looked_at: float = 0.0

    def run(self) -> None:
        """Until a signal, or ``stop``. Raises what a worker that cannot start told, or `NotReady` when they keep ending without
        a word."""
        with self._signals(), tempfile.TemporaryDirectory(prefix="modelyard-") as folder:
            self._folder = folder
            try:
                for _ in range(self.count):
                    self._start()
                while self._workers or self._due:
                    self._next()
            finally:
                for worker in self._workers:
                    worker.spawned.kill()
                    worker.spawned.how_it_ended()

    def _next(self) -> None:
        with contextlib.suppress(queue.Empty):
            worker, told = self._events.get(timeout=TICK_SECONDS)
            if worker is None:
                self._signalled(told)
            elif isinstance(told, str):
                self._ended(worker, told)
            else:
                self._heard(worker, told)
        if self.stop is not None and self.stop.is_set() and not self._end_by:
            self._signalled(signal.SIGTERM)
        now = time.monotonic()
        self._look_for_hung(now)
        if self._end_by and now > self._end_by:
            for worker in self._workers:
                worker.spawned.kill()
        while self._due and not self._end_by and self._due[0] <= now:
            self._due.pop(0)
            self._start()

    def _start(self, replaces: _Worker | None = None) -> None:
        numbers = {worker.number for worker in self._workers}
        number = next(n for n in range(2 * MOST_WORKERS) if n not in numbers)
        fd = self.sock.fileno()
        more = {QUIET: "1"} if self._started else {}
        self._started = True
        spawned = spawn(
            take_seat, fd, number, self._folder, self.work, *self.arguments, environment={**self.environment, **more}, pass_fds=[fd]
        )  # fmt: skip
        worker = _Worker(number, spawned, replaces=replaces)
        self._workers.append(worker)
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()

    def _listen(self, worker: _Worker) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                self._events.put((worker, worker.spawned.channel.receive()))
        self._events.put((worker, worker.spawned.how_it_ended()))

    def _heard(self, worker: _Worker, told: Any) -> None:
        worker.heard_at = time.monotonic()
        if isinstance(told, PackedError):
            worker.failure = told
        if not isinstance(told, Ready):
            return
        worker.ready_at = worker.heard_at
        self._failures = 0
        if self._told:
            _say(f"worker {worker.number} is ready")
        if worker.replaces in self._workers and worker.replaces is not None:
            self._end(worker.replaces)
        self._replace_next()
        if not self._told and sum(bool(w.ready_at) for w in self._workers) >= self.count:
            self._told = True
            self.on_ready(told.facts)

    def _ended(self, worker: _Worker, how: str) -> None:
        self._workers.remove(worker)
        for file in Path(self._folder).glob(f"gauge_live*_{worker.number}.db"):
            file.unlink()
        if self._end_by or worker.ending:
            return
        if worker.failure is not None:
            error = unpack_error(worker.failure)
            how = f"failed: {error.message}"
            if not self._told and not any(w.ready_at for w in self._workers):
                raise error
        if worker.replaces is not None:
            self._to_replace.clear()
            _say(f"a new worker {how}; those there are stay")
            return
        settled = worker.ready_at and time.monotonic() - worker.ready_at > SETTLED_SECONDS
        self._soon = 0 if settled else self._soon + 1
        self._failures += not worker.ready_at
        if self._failures >= MOST_FAILURES and not any(w.ready_at for w in self._workers):
            raise NotReady(
                f"no worker gets ready: {self._failures} in a row ended, the last one {how}"
            )
        pause = PAUSES[min(max(0, self._soon - 1), len(PAUSES) - 1)]
        _say(f"worker {worker.number} {how}; another takes its place")
        self._due.append(time.monotonic() + pause)
        self._due.sort()

    def _look_for_hung(self, now: float) -> None:
        late = now - self._looked_at > 20 * TICK_SECONDS
        self._looked_at = now
        for worker in self._workers:
            if late:  # it was us who stood still: what they said meanwhile waits to be heard
                worker.heard_at = now
            silent = now - worker.heard_at
            if worker.ready_at and not worker.ending and 0 < self.hang_seconds < silent:
                _say(f"worker {worker.number} has not answered for {silent:.0f} s and is ended")
                worker.heard_at = now
                worker.spawned.kill()

    def _signalled(self, number: int) -> None:
        if number == getattr(signal, "SIGHUP", None):
            if not self._end_by and not self._to_replace:
                self._to_replace = [worker for worker in self._workers if worker.ready_at]
                self._replace_next()
            return
        if self._end_by:  # a second Ctrl+C means it
            for worker in self._workers:
                worker.spawned.process.send_signal(number)
            return
        self._end_by = time.monotonic() + self.drain_seconds + END_SECONDS
        self._due.clear()
        self._to_replace.clear()
        self.sock.close()  # or who comes when all have stopped would wait for nobody
        for worker in self._workers:
            self._end(worker)

    def _replace_next(self) -> None:
        while self._to_replace:
            old = self._to_replace.pop(0)
            if old in self._workers and not old.ending:
                self._start(replaces=old)
                return

    def _end(self, worker: _Worker) -> None:
        worker.ending = True
        worker.spawned.process.terminate()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handled = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        tell = lambda number, frame: self._events.put((None, number))  # noqa: E731
        before = {number: signal.signal(number, tell) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
