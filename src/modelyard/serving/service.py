"""The one core under all protocols: find the method, queue the request, count it, log it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelyard.base.errors import (
    AlreadyExists,
    InvalidInput,
    ModelFailed,
    NotFound,
    NotReady,
    Overloaded,
    did_you_mean,
)
from modelyard.objects.model import Model
from modelyard.predictions.interface import PredictionLog
from modelyard.serving.batcher import Batcher
from modelyard.serving.execution import Method
from modelyard.serving.housing import Housed, Shelf, Shelved, warm_up
from modelyard.serving.interface import Answer, Batching, Limits, Request
from modelyard.serving.metrics import Metrics
from modelyard.serving.recorder import Recorder
from modelyard.serving.repeats import Repeats


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
        opener: Callable[[str], Model] | None = None,
        prefixed: bool | None = None,
    ) -> None:
        if not models and opener is None:
            raise InvalidInput("there is no model to serve")
        self.limits = limits or Limits()
        self.batching = batching or Batching()
        self.metrics = Metrics()
        self.repeats = Repeats(self.limits)
        """What requests with an idempotency key were answered."""
        self.generation = 0
        self.prefixed = len(models) > 1 if prefixed is None else prefixed
        self.ready = False
        """Models are loaded and warm, and no end is in sight."""
        self.draining = False
        self.in_flight = 0
        self.admitted = _Admission(self)
        """A context around each request, from its first byte to its last: counts it, or refuses it with `Overloaded`."""
        self.recorder: Recorder | None = None
        self._log = log
        self._housed = {name: Housed(model) for name, model in _by_name(models).items()}
        self._shelf = Shelf(opener, list(self._housed))
        self._methods: Mapping[tuple[str, str], Method] = {}
        self._index_methods()
        self.metrics.watch_in_flight(lambda: self.in_flight)

    @property
    def models(self) -> Mapping[str, Model]:
        """The models that answer now, by name."""
        return {name: housed.model for name, housed in self._housed.items()}

    async def start(self) -> None:
        """Start the workers and the log; from now on `infer` answers."""
        for housed in self._housed.values():
            self._start_batcher(housed)
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
        self.ready = not self.draining

    def drain(self) -> None:
        """Say that the end is near: not `ready` any more, while requests are still answered."""
        self.draining = True
        self.ready = False

    async def close(self, timeout: float = 30.0) -> None:
        """Finish what was begun, then write the rest of the log; each for at most ``timeout`` seconds."""
        self.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                for housed in self._housed.values():
                    await housed.idle()
        for housed in self._housed.values():
            housed.close()
        if self.recorder is not None:
            await asyncio.to_thread(self.recorder.close, timeout)

    # -- models that come and go

    def index(self) -> Sequence[Shelved]:
        """Every model known here by name, whether it is loaded or not."""
        return self._shelf.index(self.models)

    async def load(self, name: str, open_model: Callable[[], Model] | None = None) -> Model:
        """Open a model (again) and let it answer under its name once it is warm; one that it replaces answers until then.

        ``open_model`` opens it; by default the service's own opener does, which knows the names it was started with.
        Raises `NotFound` for a name nobody knows, and whatever opening raises; then all stays as it was.
        """
        async with self._shelf.opening(name, open_model) as opening:
            model = await asyncio.to_thread(opening)
            model.name = name
            housed = Housed(model)
            self._start_batcher(housed)
            await warm_up(housed)
            old = self._housed.get(name)
            self._housed[name] = housed
            self._changed()
        if old is not None:
            await old.retire()
        return housed.model

    async def unload(self, name: str, *, forget: bool = False) -> None:
        """Let a model go, once it has answered what it was asked; ``forget`` its name, too. `NotFound` when it is not
        there."""
        housed = self._housed.pop(name, None)
        if housed is None:
            raise self._unknown(name)
        self._shelf.unloaded(name, forget=forget)
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
        housed.batcher = Batcher(name, self.batching, self.limits, self.metrics.batch(name))
        waiting = self.metrics.watch_waiting
        waiting(name, lambda: h.waiting_rows if (h := self._housed.get(name)) else 0)

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
        started = time.perf_counter()
        try:
            value = await self._housed[method.model.name].submit(method, request)
        except ModelFailed as error:
            # A failure of the model is worth a row in the log; what the schema refuses is no prediction.
            self._finished(method, request, None, started, error.message)
            raise
        milliseconds = self._finished(method, request, value, started)
        return Answer(
            value, method.identity, milliseconds, request.request_id, request.reference_ids
        )

    def _finished(
        self, method: Method, request: Request, value: Any, started: float, error: str = ""
    ) -> float:
        seconds = time.perf_counter() - started
        self.metrics.took(method.model.name, method.name, seconds)
        if self.recorder is not None:
            self.recorder.put(method, request, value, seconds * 1000, error)
        return seconds * 1000


class _Admission:
    def __init__(self, service: Service) -> None:
        self._service = service

    def __enter__(self) -> None:
        service = self._service
        if service.in_flight >= service.limits.requests:
            raise Overloaded(
                f"{service.in_flight} requests are being answered already",
                hint="try again in 1 s",
                retry_after=1,
            )
        service.in_flight += 1

    def __exit__(self, *error: object) -> None:
        self._service.in_flight -= 1


def _by_name(models: Sequence[Model]) -> dict[str, Model]:
    named: dict[str, Model] = {}
    for model in models:
        if model.name in named:
            raise AlreadyExists(
                f"two models named '{model.name}': {named[model.name].identity} and {model.identity}",
                hint="models served together need different names",
            )
        named[model.name] = model
    return named
