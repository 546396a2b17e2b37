"""Streaming answers: the core, without a protocol."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from modelyard.base.errors import (
    ModelFailed,
    Overloaded,
    SchemaMismatch,
    TooLarge,
)
from modelyard.serving.interface import Json, Limits, Request
from modelyard.serving.service import Service
from modelyard.serving.streaming import AHEAD
from serving_cases.logs import FaultyLog
from serving_cases.models import function_model


def words(text: str) -> Iterator[str]:
    yield from text.split()


async def later(text: str) -> AsyncIterator[str]:
    for word in text.split():
        await asyncio.sleep(0)
        yield word


def plain(text: str) -> str:
    return text.upper()


def fails(text: str) -> Iterator[str]:
    yield text
    raise RuntimeError("secret")


def fits_not(text: str) -> Iterator[int]:
    yield text  # type: ignore[misc]


class Endless:
    """A generator that tells how far it is and when it was closed."""

    def __init__(self) -> None:
        self.made = 0
        self.full = threading.Event()
        self.closed = threading.Event()

    def __call__(self, text: str) -> Iterator[int]:
        try:
            for self.made in itertools.count(1):
                if self.made == AHEAD:
                    self.full.set()
                yield self.made
        finally:
            self.closed.set()


def run(
    use: Callable[[Service], Awaitable[Any]],
    limits: Limits | None = None,
    log: Any = None,
    **functions: Any,
) -> Any:
    """What an asynchronous function makes of a service of functions; it is closed in order."""

    async def main() -> Any:
        service = Service([function_model("talk", "a b", **functions)], limits=limits, log=log)
        await service.start()
        try:
            return await use(service)
        finally:
            await service.close(10)
            assert service.streams.running == 0

    return asyncio.run(main())


def asks(method: str, value: Any = "a b c", **more: Any) -> Request:
    return Request("talk", method, {"text": Json(value)}, request_id="r1", **more)


async def gathered(service: Service, request: Request) -> list[Any]:
    return [item async for item in service.stream(request)]


@pytest.mark.parametrize("function", [words, later])
def test_items_come_one_by_one_and_the_whole_is_their_list(function: Any) -> None:
    async def use(service: Service) -> Any:
        return (
            await gathered(service, asks("predict")),
            (await service.infer(asks("predict"))).value,
            service.metrics.text(),
        )

    items, whole, metrics = run(use, predict=function)
    assert items == whole == ["a", "b", "c"]
    assert b'modelyard_stream_items_total{method="predict",model="talk"} 6.0' in metrics
    assert b"modelyard_streams 0.0" in metrics


def test_a_method_that_does_not_stream_is_a_stream_of_its_one_answer() -> None:
    assert run(lambda s: gathered(s, asks("predict")), predict=plain) == ["A B C"]


def test_data_that_does_not_fit_is_refused_before_the_first_item_and_not_logged() -> None:
    log = FaultyLog()
    with pytest.raises(SchemaMismatch, match="text: expected a text, got the number 7"):
        run(lambda s: gathered(s, asks("predict", 7)), log=log, predict=words)
    assert log.kept == []


@pytest.mark.parametrize(
    ("function", "come", "message"),
    [
        (fails, ["a"], "model 'talk' raised RuntimeError in predict"),
        (fits_not, [], "what model 'talk' answered in predict does not fit its schema: .*"),
    ],
)
def test_an_error_comes_after_what_was_made_before_it(
    function: Any, come: list[str], message: str
) -> None:
    log, seen = FaultyLog(), []

    async def use(service: Service) -> None:
        async for item in service.stream(asks("predict", "a")):
            seen.append(item)

    with pytest.raises(ModelFailed, match=message):
        run(use, log=log, predict=function)
    assert seen == come
    assert [row.outputs for row in log.kept] == [None]
    assert log.kept[0].error.startswith(message[:12])


def test_a_slow_reader_holds_the_generator_up_and_one_that_leaves_closes_it() -> None:
    endless, log = Endless(), FaultyLog()

    async def use(service: Service) -> Any:
        stream = service.stream(asks("predict"))
        async with contextlib.aclosing(stream):
            first = await anext(stream)
            assert await asyncio.to_thread(endless.full.wait, 30)
            # It had every chance to run ahead meanwhile.
            made = [endless.made for _ in range(20) if not await asyncio.sleep(0.005)]
            assert not endless.closed.is_set()
        assert await asyncio.to_thread(endless.closed.wait, 30)
        return first, max(made)

    first, made = run(use, log=log, predict=endless)
    assert first == 1
    assert AHEAD <= made <= AHEAD + 2
    assert [row.outputs for row in log.kept] == [[1]]


def test_one_that_never_ends_is_no_whole() -> None:
    endless = Endless()
    with pytest.raises(TooLarge, match="the answer has more than 50 items"):
        run(lambda s: s.infer(asks("predict")), Limits(stream_items=50), predict=endless)
    assert endless.closed.wait(30)


@pytest.mark.parametrize("by", ["limit", "request"])
def test_its_time_is_bounded(by: str) -> None:
    endless = Endless()
    limits = Limits(stream_seconds=0.05 if by == "limit" else 60)

    async def use(service: Service) -> None:
        deadline = time.monotonic() + 0.05 if by == "request" else None
        async for _ in service.stream(asks("predict", deadline=deadline)):
            pass

    with pytest.raises(Overloaded, match="the time for this stream is up"):
        run(use, limits, predict=endless)
    assert endless.closed.wait(30)


def test_beyond_the_limit_a_stream_waits_for_its_turn() -> None:
    async def use(service: Service) -> Any:
        first = service.stream(asks("predict"))
        await anext(first)
        with pytest.raises(Overloaded, match="1 streams of model 'talk' run already"):
            await gathered(service, asks("words"))
        waiting = asyncio.create_task(gathered(service, asks("words")))
        await asyncio.sleep(0)
        await first.aclose()
        return await waiting

    limits = Limits(streams=1, wait_seconds=0.2)
    assert run(use, limits, predict=Endless(), words=words) == ["a", "b", "c"]


def test_cancelling_while_waiting_for_an_item_closes_the_generator() -> None:
    closed, leave = threading.Event(), threading.Event()

    def stuck(text: str) -> Iterator[str]:
        try:
            yield "one"
            leave.wait(30)
            yield "two"
        finally:
            closed.set()

    async def use(service: Service) -> None:
        task = asyncio.create_task(gathered(service, asks("predict")))
        while service.streams.running == 0:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert service.streams.running == 1  # it is not through yet, and counts
        leave.set()

    run(use, predict=stuck)
    assert closed.is_set()
