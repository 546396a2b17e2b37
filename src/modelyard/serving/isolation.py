"""Models in processes of their own, as the process that serves them sees it: a crash is one request's, not everybody's.

A segmentation fault, an `os._exit` or the kernel short of memory ends the process that runs the model, and nothing else. What was in that
call is asked again, one request at a time, so that only the one that does it gets 503 ``model_crashed``; the process is started
again, and what comes meanwhile waits in the queue. A call that takes longer than ``limits.call_seconds`` is ended alike, with 504.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from modelyard.base.clock import new_id
from modelyard.base.errors import ModelCrashed, ModelTimedOut, ModelyardError
from modelyard.objects.model import Model
from modelyard.serving.channel import Channel
from modelyard.serving.execution import Method, Outcome
from modelyard.serving.interface import Limits, Request
from modelyard.serving.isolated import Hello, PackedError, pack_request, unpack_error, work
from modelyard.serving.spawning import QUIET, Spawned, spawn

logger = logging.getLogger("modelyard.serving")

PAUSES = (0.0, 0.0, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds before a process is started again, by how many ended since one last answered; then always the last."""


class _Gone(Exception):
    """The process ended, or had to be ended, during a call."""

    def __init__(self, outcome: ModelyardError) -> None:
        super().__init__()
        self.outcome = outcome


@dataclass(eq=False)
class IsolatedModel(Model):
    """A model whose calls run elsewhere. Here it has a card and names, but no object: no library of its kind is loaded."""

    processes: Processes | None = field(default=None, repr=False)

    def answer(self, method: Method, requests: Sequence[Request]) -> list[Outcome]:
        """As `execution.answer`, from any thread."""
        assert self.processes is not None
        return self.processes.answer(method.name, requests)

    def stream(self, method: Method, request: Request) -> Iterator[Any]:
        """As `execution.stream`, beside the calls."""
        assert self.processes is not None
        return self.processes.stream(method.name, request)

    @property
    def up(self) -> bool:
        """Whether a process is there to answer."""
        return self.processes is not None and self.processes.up > 0

    @property
    def engines(self) -> Mapping[str, str]:
        """Method -> the engine that answers it there, as it was last told."""
        return {} if self.processes is None else self.processes.engines

    @property
    def joins(self) -> frozenset[str]:
        """Methods of which one call there may answer several requests."""
        return frozenset() if self.processes is None else self.processes.joins

    def on_engines(self, tell: Callable[[], object]) -> None:
        """What to call, from any thread, when the engines are others, or other methods join."""
        if self.processes is not None:
            self.processes.on_engines = tell

    def on_restart(self, tell: Callable[[], object]) -> None:
        """What to call whenever a process is started again."""
        if self.processes is not None:
            self.processes.on_restart = tell

    def close(self) -> None:
        """End the processes."""
        if self.processes is not None:
            self.processes.close()


def isolate(
    open_one: Callable[[], Model],
    *,
    limits: Limits | None = None,
    count: int = 1,
    environment: dict[str, str] | None = None,
    compile: str = "off",
) -> IsolatedModel:
    """Open a model in processes of its own, ``count`` of them; raises what opening raises.

    ``open_one`` must be picklable: a reference to load, not what was loaded. Each process
    compiles for itself.
    """
    processes = Processes(open_one, limits or Limits(), environment or {}, compile)
    hello = processes.start(count)
    return IsolatedModel(
        hello.card,
        None,
        {name: partial(processes.call, hello.name, name) for name in hello.methods},
        hello.name,
        hello.version,
        hello.provenance,
        processes,
    )


class Processes:
    """Processes that run one model: each does one call at a time."""

    def __init__(
        self,
        open_one: Callable[[], Model],
        limits: Limits,
        environment: dict[str, str],
        compile: str = "off",
    ) -> None:
        self.up = 0
        self.restarts = 0
        self.on_restart: Callable[[], object] = lambda: None
        self.engines: Mapping[str, str] = {}
        self.joins: frozenset[str] = frozenset()
        self.on_engines: Callable[[], object] = lambda: None
        self._open = open_one
        self._compile = compile
        self._limits = limits
        self._environment = environment
        self._free: queue.SimpleQueue[Spawned] = queue.SimpleQueue()
        self._all: dict[Spawned, socket.socket] = {}
        """Process -> the door by which channels for streams are handed in."""
        self._doors: dict[Spawned, socket.socket] = {}
        """Of those that are ready."""
        self._lock = threading.Lock()
        self._deaths = 0
        """Since one last answered."""
        self._closed = threading.Event()

    def start(self, count: int) -> Hello:
        """Start them; the first one says what it loaded, or raises why not."""
        started = [self._spawn() for _ in range(count)]
        try:
            told = [_greeting(one) for one in started]
        except BaseException:
            for one in started:
                one.kill()
                one.how_it_ended()
                self._forget(one)
            raise
        self.engines, self.joins = told[0].engines, told[0].joins
        for one in started:
            self._put_to_work(one)
        return told[0]

    def answer(self, method: str, requests: Sequence[Request]) -> list[Outcome]:
        """One outcome a request, in their order; one that ends the process harms no other."""
        try:
            return self._ask(method, requests)
        except _Gone as gone:
            if len(requests) == 1:
                return [gone.outcome]
            return [outcome for one in requests for outcome in self.answer(method, [one])]

    def stream(self, method: str, request: Request) -> Iterator[Any]:
        """The items of a streaming method as they come, read on a channel of their own. Closing it closes the generator."""
        one = self._any()
        ours, theirs = socket.socketpair()
        with theirs, contextlib.closing(Channel(ours)) as channel:
            try:
                socket.send_fds(self._doors[one], [b"."], [theirs.fileno()])
                theirs.close()
                channel.send((method, pack_request(request)))
                while (told := channel.receive()) is not None:
                    if isinstance(told, PackedError):
                        raise unpack_error(told)
                    yield told[0]
            except (EOFError, OSError, KeyError):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    one.process.wait(1.0)  # or the next one would be handed to the dead
                raise _crashed("ended amid an answer") from None

    def call(self, model: str, method: str, /, **arguments: Any) -> Any:
        """Call a method with native values, as the model itself would be called."""
        request = Request(model, method, arguments, new_id(), native=True)
        [outcome] = self.answer(method, [request])
        if isinstance(outcome, ModelyardError):
            raise outcome
        return outcome

    def close(self) -> None:
        """End them all; they are not started again."""
        self._closed.set()
        with self._lock:
            mine = list(self._all)
        for one in mine:
            one.kill()
            one.how_it_ended()

    def _ask(self, method: str, requests: Sequence[Request]) -> list[Outcome]:
        one = self._take()
        seconds = self._limits.call_seconds or None
        try:
            one.channel.send((method, [pack_request(request) for request in requests]), seconds)
            outcomes, ways = one.channel.receive(seconds)
        except TimeoutError:
            one.kill()
            self._down(one)
            raise _Gone(_timed_out(seconds)) from None
        except (EOFError, OSError):
            how = one.how_it_ended()
            self._down(one)
            raise _Gone(_crashed(how)) from None
        except BaseException:  # an argument that cannot be pickled: nothing was sent
            self._free.put(one)
            raise
        self._deaths = 0
        self._free.put(one)
        if ways is not None:
            self.engines, self.joins = ways
            self.on_engines()
        return [unpack_error(o) if type(o) is PackedError else o for o in outcomes]

    def _take(self) -> Spawned:
        """A process that is free and alive; waits for one that is being started."""
        until = time.monotonic() + self._limits.wait_seconds
        while True:
            try:
                one = self._free.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                raise _Gone(_crashed("does not come up again")) from None
            if one.alive:
                return one

    def _any(self) -> Spawned:
        """A process that is alive, busy or not."""
        until = time.monotonic() + self._limits.wait_seconds
        while True:
            with self._lock:
                found = next((one for one in self._doors if one.alive), None)
            if found is not None:
                return found
            if time.monotonic() > until or self._closed.wait(0.05):
                raise _crashed("does not come up again")

    def _spawn(self) -> Spawned:
        more = {QUIET: "1"} if self._all or self.restarts else {}  # what there is to note was said
        memory = int(self._limits.memory_bytes)
        ours, theirs = socket.socketpair()
        with theirs:
            door = theirs.fileno()
            environment = {**self._environment, **more}
            one = spawn(work, self._open, memory, door, self._compile, environment=environment, pass_fds=[door])  # fmt: skip
        with self._lock:
            self._all[one] = ours
        return one

    def _forget(self, one: Spawned) -> None:
        self._down(one)
        with self._lock:
            self._all.pop(one).close()

    def _down(self, one: Spawned) -> None:
        """It answers no more: said before anybody hears of the end, not when its watcher comes to it."""
        with self._lock:
            if self._doors.pop(one, None):
                self.up -= 1

    def _put_to_work(self, one: Spawned) -> None:
        with self._lock:
            self.up += 1
            self._doors[one] = self._all[one]
        self._free.put(one)
        threading.Thread(target=self._watch, args=(one,), name="isolation", daemon=True).start()

    def _watch(self, one: Spawned) -> None:
        """Wait for its end, then start another."""
        how = one.how_it_ended()
        self._forget(one)
        if self._closed.is_set():
            return
        logger.error("the process of a model %s; it is started again", how)
        while not self._closed.wait(PAUSES[min(self._deaths, len(PAUSES) - 1)]):
            self._deaths += 1
            self.restarts += 1
            self.on_restart()
            another = self._spawn()
            with contextlib.suppress(ModelyardError):
                hello = _greeting(another)
                self.engines, self.joins = hello.engines, hello.joins
                self.on_engines()
                self._put_to_work(another)
                if self._closed.is_set():
                    another.kill()
                return
            self._forget(another)


def _greeting(one: Spawned) -> Hello:
    try:
        told = one.channel.receive()
    except EOFError:
        how = one.how_it_ended()
        raise ModelCrashed(f"the model's process {how} while it loaded") from None
    if isinstance(told, PackedError):
        one.how_it_ended()
        raise unpack_error(told)
    return told


def _crashed(how: str) -> ModelCrashed:
    return ModelCrashed(
        f"the model's process {how}",
        hint="it is started again; this request may be what ends it",
        retry_after=1,
    )


def _timed_out(seconds: float | None) -> ModelTimedOut:
    return ModelTimedOut(
        f"the model did not answer within {seconds:g} s", hint="limits.call_seconds sets the time"
    )
