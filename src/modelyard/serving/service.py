"""The one core under all protocols: find the method, queue the request, count it, log it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from modelyard.base.errors import (
    InvalidInput,
    ModelFailed,
    ModelyardError,
    NotFound,
    NotReady,
    TooLarge,
    did_you_mean,
)
from modelyard.objects.model import Model
from modelyard.predictions.interface import PredictionLog
from modelyard.serving.admission import Admission
from modelyard.serving.apart import answer_apart
from modelyard.serving.asking import ASKED
from modelyard.serving.batcher import Batcher
from modelyard.serving.compiling import BackgroundCompiler
from modelyard.serving.entry.gate import Gate
from modelyard.serving.execution import Method
from modelyard.serving.housing import Housed, Shelf, Shelved, by_name, warm_up
from modelyard.serving.interface import Answer, Batching, Jobs, Limits, Request
from modelyard.serving.job_runner import JobRunner
from modelyard.serving.metrics import Metrics
from modelyard.serving.recorder import Recorder
from modelyard.serving.repeats import Repeats
from modelyard.serving.streaming import Streams

LOGGED_ITEMS = 1000
"""The first items of a streaming answer, which the log keeps."""


class Service:
    """Models that answer requests. Between `start` and `close` it belongs to one event loop.

    Models may come and go meanwhile (`load`, `unload`): then ``generation`` moves, and what was built of ``methods`` is to be
    built again. ``opener`` opens a model by its name; ``prefixed`` says whether paths carry the model's name, which by
    default they do where there are several.

    >>> service = Service([model])  # doctest: +SKIP
    >>> await service.start()  # doctest: +SKIP
    >>> await service.infer(Request("iris", "predict", {"X": frame}, request_id="1"))  # doctest: +SKIP
    """

    def __init__(
        self,
        models: Sequence[Model],
        *,
        log: PredictionLog | None = None,
        limits: Limits | None = None,
        batching: Batching | None = None,
        jobs: Jobs | None = None,
        opener: Callable[[str], Model] | None = None,
        prefixed: bool | None = None,
        gate: Gate | None = None,
        compile: str = "off",
    ) -> None:
        if not models and opener is None:
            raise InvalidInput("there is no model to serve")
        self.limits = limits or Limits()
        self.batching = batching or Batching()
        self.metrics = Metrics()
        self.repeats = Repeats(self.limits)
        """What requests with an idempotency key were answered."""
        self.streams = Streams(self.limits)
        self.jobs = JobRunner(self, jobs or Jobs())
        self.gate = gate or Gate()
        """What every request passes first, whatever its protocol."""
        self.gate.on_refused = self.metrics.rejected
        self.compiler = BackgroundCompiler(compile, self._tell)
        self.generation = 0
        self.prefixed = len(models) != 1 if prefixed is None else prefixed
        self._warm = False
        self.draining = False
        self.in_flight = 0
        self.admitted = Admission(self)
        """A context around each request, from its first byte to its last: counts it, or refuses it with `Overloaded`."""
        self.recorder: Recorder | None = None
        self._log = log
        self._housed = {name: Housed(model) for name, model in by_name(models).items()}
        self._shelf = Shelf(opener, list(self._housed))
        self._methods: Mapping[tuple[str, str], Method] = {}
        self._index_methods()
        self.metrics.watch_in_flight(lambda: self.in_flight)
        self.metrics.watch_jobs(lambda: self.jobs.unfinished)
        self.metrics.watch_streams(lambda: self.streams.running)

    @property
    def ready(self) -> bool:
        """Models are loaded, warm and alive, and no end is in sight."""
        return self._warm and not self.draining and all(h.up for h in self._housed.values())

    @property
    def models(self) -> Mapping[str, Model]:
        """The models that answer now, by name."""
        return {name: housed.model for name, housed in self._housed.items()}

    @property
    def housed(self) -> Sequence[Housed]:
        """The same, each with its queue and its state."""
        return list(self._housed.values())

    async def start(self) -> None:
        """Start the workers and the log; from now on `infer` answers."""
        for housed in self._housed.values():
            self._start_batcher(housed)
        await self.jobs.open()
        if self._log is not None:
            self.recorder = Recorder(
                self._log,
                on_logged=self.metrics.logged.inc,
                on_dropped=self.metrics.dropped.inc,
            )

    async def warm_up(self) -> None:
        """Call the models on their samples, so that the first request is not the slow one; then `ready`."""
        for housed in list(self._housed.values()):
            await warm_up(housed)
            self._tell(housed, here=True)
        self._warm = True
        for housed in list(self._housed.values()):
            self.compiler.add(housed)

    def drain(self) -> None:
        """Say that the end is near: not `ready` any more, while requests are still answered."""
        self.draining = True

    async def close(self, timeout: float = 30.0, *, calls: float | None = None) -> None:
        """Finish what was begun, for at most ``calls`` seconds, and write the rest of the log; each for at most ``timeout``."""
        self.drain()
        seconds = timeout if calls is None else min(calls, timeout)
        await self.jobs.close(seconds)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for housed in self._housed.values():
                    await housed.idle()
                await self.streams.idle()
        for housed in self._housed.values():
            housed.close()
        if self.recorder is not None:
            await asyncio.to_thread(self.recorder.close, timeout)
        await asyncio.to_thread(self.gate.close)
        await asyncio.to_thread(self.compiler.close)

    # -- models that come and go

    def index(self) -> Sequence[Shelved]:
        """Every model known here by name, whether it is loaded or not."""
        return self._shelf.index(self.models)

    async def load(self, name: str, open_model: Callable[[], Model] | None = None) -> Model:
        """Open a model (again) and let it answer under its name once it is warm; one that it replaces answers until then.

        ``open_model`` opens it; by default the service's own opener does, which knows the names it was started with.
        Raises `NotFound` for a name nobody knows, and whatever opening raises; then all stays as it was.
        """
        self.require(name)
        async with self._shelf.opening(name, open_model) as opening:
            model = await asyncio.to_thread(opening)
            model.name = name
            housed = Housed(model)
            self._start_batcher(housed)
            await warm_up(housed)
            old = self._housed.get(name)
            self._housed[name] = housed
            if old is not None:
                self._tell(old, here=False)
            self._tell(housed, here=True)
            self._changed()
            self.compiler.add(housed)
        if old is not None:
            await old.retire()
        return housed.model

    async def unload(self, name: str, *, forget: bool = False) -> None:
        """Let a model go, once it has answered what it was asked; ``forget`` its name, too. `NotFound` when it is not
        there."""
        self.require(name)
        housed = self._housed.pop(name, None)
        if housed is None:
            raise self._unknown(name)
        self._shelf.unloaded(name, forget=forget)
        self._tell(housed, here=False)
        self._changed()
        await housed.retire()

    def _changed(self) -> None:
        self._index_methods()
        self.generation += 1

    def _index_methods(self) -> None:
        self._methods = {
            (name, method): housed.methods[method]
            for name, housed in self._housed.items()
            for method in housed.methods
        }

    def _start_batcher(self, housed: Housed) -> None:
        name = housed.model.name
        housed.on_restart(self.metrics.restarts(name))
        housed.batcher = Batcher(
            name,
            self.batching,
            self.limits,
            self.metrics.batch(name),
            run=housed.answer,
            observer=self.metrics.work(name),
            apart=housed.isolated,
        )
        waiting = self.metrics.watch_waiting
        waiting(name, lambda: h.waiting_rows if (h := self._housed.get(name)) else 0)

    def _tell(self, housed: Housed, *, here: bool) -> None:
        model = housed.model
        told = partial(self.metrics.served, model.name, model.version, model.card.digest)
        if housed.shown_engine:
            told(housed.shown_engine, here=False)
        housed.shown_engine = ""
        if here:
            housed.shown_engine = ",".join(sorted(set(housed.engines.values()))) or "python"
            told(housed.shown_engine, here=True)
            housed.on_engines(lambda: self._retell(housed))

    def _retell(self, housed: Housed) -> None:
        if self._housed.get(housed.model.name) is housed:
            self._tell(housed, here=True)

    def find(self, model: str | None = None, method: str | None = None) -> Method:
        """A served method; the only model and the default method need not be named.

        Raises `NotFound` or `UnknownMethod` with the choices.
        """
        if model is None:
            model = next(iter(self._housed)) if len(self._housed) == 1 else ""
        found = self._methods.get((model, method or ""))
        if found is not None:
            return found
        if model not in self._housed:
            raise self._unknown(model)
        return self._methods[model, self._housed[model].model.method(method)]

    def _unknown(self, model: str) -> NotFound | NotReady:
        if (reason := self._shelf.why_away(model)) is not None:
            return NotReady(f"model {model!r} is not loaded: {reason}")
        return NotFound(
            f"no model named {model!r} is served here" if model else "which model?",
            hint=did_you_mean(model, self._housed) or f"served: {', '.join(self._housed)}",
            choices=list(self._housed),
        )

    @property
    def methods(self) -> Sequence[Method]:
        """All served methods, by model, in the cards' order."""
        return list(self._methods.values())

    async def infer(self, request: Request) -> Answer:
        """Answer one request.

        Raises `SchemaMismatch` for data that does not fit, `UnknownMethod`, `Overloaded`, and `ModelFailed` when the
        model itself raised. Cancelling gives up a place in the queue.
        """
        method = self.find(request.model, request.method)
        request = self.checked(method, request)
        started = time.perf_counter()
        if method.items is not None:
            value = await self._whole(request)
            took = (time.perf_counter() - started) * 1000
            return Answer(value, method.identity, took, request.request_id, request.reference_ids)
        housed = self._housed[method.model.name]
        try:
            value = await housed.submit(method, request)
        except ModelFailed as error:
            # A failure of the model is worth a row in the log; what the schema refuses is no prediction.
            self._finished(method, request, None, started, error.message)
            raise
        housed.failing = False
        milliseconds = self._finished(method, request, value, started)
        return Answer(
            value, method.identity, milliseconds, request.request_id, request.reference_ids
        )

    async def infer_apart(self, request: Request, on_end: Callable[[], object]) -> Answer:
        """Answer a long request in a thread of its own, beside the workers. ``on_end`` is called when the model is through,
        which is later than this when the wait is cancelled."""
        try:
            method = self.find(request.model, request.method)
        except ModelyardError:
            on_end()
            raise
        started = time.perf_counter()
        outcome = await answer_apart(method, request, on_end)
        if isinstance(outcome, ModelFailed):
            self._finished(method, request, None, started, outcome.message)
        if isinstance(outcome, ModelyardError):
            raise outcome
        took = self._finished(method, request, outcome, started)
        return Answer(outcome, method.identity, took, request.request_id, request.reference_ids)

    async def stream(
        self, request: Request, *, seconds: float | None = None
    ) -> AsyncGenerator[Any]:
        """The items of a streaming method as they come; of any other method its one answer. JSON-able, or the model's own
        values for a ``native`` request. ``seconds`` is how long it may take, instead of the limit.

        Raises what `infer` raises, before the first item or later. Who stops reading early closes it
        (`contextlib.aclosing`), and so the model's generator.
        """
        method = self.find(request.model, request.method)
        if method.items is None:
            yield (await self.infer(request)).value
            return
        request = self.checked(method, request)
        started = time.perf_counter()
        kept: list[Any] = []
        error: str | None = ""
        made = self._housed[method.model.name].stream
        items = self.streams.read(request, partial(made, method, request), seconds)
        try:
            async with contextlib.aclosing(items):
                async for item in items:
                    self.metrics.streamed(method.model.name, method.name)
                    if self.recorder is not None and len(kept) < LOGGED_ITEMS:
                        kept.append(item)
                    yield item
        except ModelyardError as failure:
            # What is refused before it began is no prediction; half a stream is one, as when the reader hangs up.
            error = failure.message if kept or isinstance(failure, ModelFailed) else None
            raise
        finally:
            if error is not None:
                self._finished(method, request, kept, started, error)

    async def _whole(self, request: Request) -> list[Any]:
        items: list[Any] = []
        async with contextlib.aclosing(self.stream(request)) as coming:
            async for item in coming:
                items.append(item)
                if len(items) > self.limits.stream_items:
                    raise TooLarge(
                        f"the answer has more than {self.limits.stream_items} items",
                        hint="ask for it piece by piece: Accept: text/event-stream",
                        limit=self.limits.stream_items,
                    )
        return items

    def require(self, model: str) -> None:
        """`NotAllowed` when who asks, in this context, may not use a model."""
        asked = ASKED.get()
        if asked is not None:
            asked.caller.require(model)

    def checked(self, method: Method, request: Request) -> Request:
        """A request as it may be answered: `TooLarge` for too many records, `NotAllowed` for a model that is not for who
        asks. `infer` does it; other ways to an answer must, too."""
        limit = self.limits.rows
        if request.rows > limit:
            self.metrics.rejected("rows")
            raise TooLarge(
                f"{request.rows} records in one request: at most {limit}",
                hint="send less at a time",
                limit=limit,
            )
        asked = ASKED.get()
        if asked is None:
            return request
        asked.caller.require(method.model.name)
        asked.model, asked.method, asked.rows = method.identity, method.name, request.rows
        if asked.deadline is not None and request.deadline is None:
            request = replace(request, deadline=asked.deadline)
        return request

    def _finished(
        self, method: Method, request: Request, value: Any, started: float, error: str = ""
    ) -> float:
        seconds = time.perf_counter() - started
        self.metrics.took(method.model.name, method.name, seconds)
        if self.recorder is not None:
            self.recorder.put(method, request, value, seconds * 1000, error)
        return seconds * 1000
