"""The one core under all protocols: find the method, queue the request, count it, log it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.base.clock import new_id
from modelyard.base.errors import (
    AlreadyExists,
    InvalidInput,
    ModelFailed,
    ModelyardError,
    NotFound,
    Overloaded,
    did_you_mean,
)
from modelyard.base.notes import note
from modelyard.objects.model import Model
from modelyard.predictions.interface import PredictionLog
from modelyard.serving.batcher import Batcher
from modelyard.serving.examples import example_arguments
from modelyard.serving.execution import ROW_WISE, Method
from modelyard.serving.interface import Answer, Batching, Json, Limits, Request
from modelyard.serving.metrics import Metrics
from modelyard.serving.recorder import Recorder


class Service:
    """Models that answer requests. Between `start` and `close` it belongs to one event loop.

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
    ) -> None:
        if not models:
            raise InvalidInput("there is no model to serve")
        self.models: Mapping[str, Model] = _by_name(models)
        self.limits = limits or Limits()
        self.batching = batching or Batching()
        self.metrics = Metrics()
        self.ready = False
        """Models are loaded and warm, and no end is in sight."""
        self.draining = False
        self.in_flight = 0
        self.admitted = _Admission(self)
        """A context around each request, from its first byte to its last: counts it, or refuses it with `Overloaded`."""
        self.recorder: Recorder | None = None
        self._log = log
        self._methods = {
            (name, method): Method(model, method)
            for name, model in self.models.items()
            for method in model.methods
        }
        self._batchers: dict[str, Batcher] = {}
        self.metrics.watch_in_flight(lambda: self.in_flight)

    async def start(self) -> None:
        """Start the workers and the log; from now on `infer` answers."""
        for name in self.models:
            on_batch = self.metrics.batch(name)
            batcher = Batcher(name, self.batching, self.limits, on_batch)
            self._batchers[name] = batcher
            self.metrics.watch_waiting(name, lambda batcher=batcher: batcher.waiting_rows)
        if self._log is not None:
            self.recorder = Recorder(
                self._log,
                on_logged=self.metrics.logged.inc,
                on_dropped=self.metrics.dropped.inc,
            )

    async def warm_up(self) -> None:
        """Call the models on their samples, so that the first request is not the slow one; then `ready`."""
        for model in self.models.values():
            if model.methods:
                await self._warm_up(self.find(model.name, model.default_method))
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
                for batcher in self._batchers.values():
                    await batcher.idle()
        for batcher in self._batchers.values():
            batcher.close()
        if self.recorder is not None:
            await asyncio.to_thread(self.recorder.close, timeout)

    def find(self, model: str | None = None, method: str | None = None) -> Method:
        """A served method; the only model and the default method need not be named.

        Raises `NotFound` or `UnknownMethod` with the choices.
        """
        if model is None:
            model = next(iter(self.models)) if len(self.models) == 1 else ""
        found = self._methods.get((model, method or ""))
        if found is not None:
            return found
        if model not in self.models:
            raise NotFound(
                f"no model named {model!r} is served here" if model else "which model?",
                hint=did_you_mean(model, self.models) or f"served: {', '.join(self.models)}",
                choices=list(self.models),
            )
        return self._methods[model, self.models[model].method(method)]

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
        model = method.model.name
        started = time.perf_counter()
        if method.items is not None:
            value = await self._whole(request)
            milliseconds = (time.perf_counter() - started) * 1000
            return Answer(value, method.identity, milliseconds, request.request_id)
        try:
            value = await self._batchers[model].submit(method, request)
        except ModelFailed as error:
            # A failure of the model is worth a row in the log; what the schema refuses is no prediction.
            self._finished(method, request, None, started, error.message)
            raise
        milliseconds = self._finished(method, request, value, started)
        return Answer(
            value, method.identity, milliseconds, request.request_id, request.reference_ids
        )

    async def stream(self, request: Request) -> AsyncGenerator[Any]:
        """The items of a streaming method as they come; of any other method its one answer. JSON-able, or the model's own
        values for a ``native`` request.

        Raises what `infer` raises, before the first item or later. Who stops reading early closes it
        (`contextlib.aclosing`), and so the model's generator.
        """
        method = self.find(request.model, request.method)
        if method.items is None:
            yield (await self.infer(request)).value
            return
        started = time.perf_counter()
        kept: list[Any] = []
        error = "refused"
        try:
            async for item in self.streams.read(request, lambda: stream(method, request)):
                if self.recorder is not None and len(kept) < LOGGED_ITEMS:
                    kept.append(item)
                self.metrics.streamed(method.model.name, method.name)
                yield item
            error = ""
        except GeneratorExit:  # nobody reads on: what was sent is what was answered
            error = ""
            raise
        except ModelFailed as failure:
            error = failure.message
            raise
        finally:
            if error != "refused":
                self._finished(method, request, kept, started, error)

    async def _whole(self, request: Request) -> list[Any]:
        items: list[Any] = []
        async with contextlib.aclosing(self.stream(request)) as stream:
            async for item in stream:
                items.append(item)
                if len(items) > self.limits.stream_items:
                    raise TooLarge(
                        f"the answer has more than {self.limits.stream_items} items",
                        hint="ask for it piece by piece: Accept: text/event-stream",
                        limit=self.limits.stream_items,
                    )
        return items

    def _finished(
        self, method: Method, request: Request, value: Any, started: float, error: str = ""
    ) -> float:
        seconds = time.perf_counter() - started
        self.metrics.took(method.model.name, method.name, seconds)
        if self.recorder is not None:
            self.recorder.put(method, request, value, seconds * 1000, error)
        return seconds * 1000

    async def _warm_up(self, method: Method) -> None:
        # Only methods known to have no effect but their answer: a function of somebody's own may send a letter.
        sample = example_arguments(method.model, method.name, rows=1)
        if not sample or method.name not in ROW_WISE.get(method.model.card.flavor, ()):
            return
        arguments = {name: Json(value) for name, value in sample.items()}
        request = Request(method.model.name, method.name, arguments, new_id())
        try:
            await self._batchers[method.model.name].submit(method, request)
        except ModelyardError as error:
            note(f"{method.identity}: {method.name} failed on its own sample: {error.message}")


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
