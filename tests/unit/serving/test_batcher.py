from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from modelyard.base.errors import Overloaded, TimedOut
from modelyard.serving.batcher import QUICK_SECONDS, Batcher
from modelyard.serving.execution import Method
from modelyard.serving.interface import Batching, Json, Limits, Request
from serving_cases.models import Gate, function_model, gated

Scenario = Callable[[Batcher, Method, Gate], Awaitable[None]]


def run(
    scenario: Scenario, *, batching: Batching | None = None, limits: Limits | None = None
) -> list[int]:
    """Play a scenario on a batcher in front of a gated model; gives the rows of each batch."""
    model, gate = gated()
    batches: list[int] = []

    async def play() -> None:
        batcher = Batcher("gated", batching or Batching(), limits or Limits(), batches.append)
        try:
            async with asyncio.timeout(60):
                await scenario(batcher, Method(model, "predict"), gate)
        finally:
            gate.leave.release(1000)
            batcher.close()

    asyncio.run(play())
    return batches


def ask(*lengths: float, deadline: float | None = None) -> Request:
    rows = [{"length": x, "width": 0.0} for x in lengths]
    return Request("gated", "predict", {"X": Json(rows)}, "r", rows=len(rows), deadline=deadline)


async def entered(gate: Gate) -> None:
    """Wait until the model has been called once more."""
    assert await asyncio.to_thread(gate.entered.acquire, timeout=60)


def test_a_lone_request_is_called_at_once() -> None:
    async def scenario(batcher: Batcher, method: Method, gate: Gate) -> None:
        future = batcher.submit(method, ask(1.0))
        await entered(gate)
        assert gate.calls == [[1.0]]
        gate.leave.release()
        assert await future == [1.0]

    assert run(scenario) == [1]


def test_what_comes_while_the_worker_is_busy_is_joined() -> None:
    async def scenario(batcher: Batcher, method: Method, gate: Gate) -> None:
        first = batcher.submit(method, ask(1.0))
        await entered(gate)
        others = [batcher.submit(method, ask(float(n), n + 0.5)) for n in range(2, 6)]
        gate.leave.release(2)
        assert await first == [1.0]
        assert await asyncio.gather(*others) == [[float(n), n + 0.5] for n in range(2, 6)]
        assert len(gate.calls) == 2

    assert run(scenario) == [1, 8]


def test_a_batch_is_no_larger_than_told_but_for_a_single_request() -> None:
    async def scenario(batcher: Batcher, method: Method, gate: Gate) -> None:
        futures = [batcher.submit(method, ask(0.0))]
        await entered(gate)
        futures += [batcher.submit(method, ask(*[float(n)] * n)) for n in (2, 2, 1, 9, 1)]
        gate.leave.release(1000)
        answers = await asyncio.gather(*futures)
        assert [len(a) for a in answers] == [1, 2, 2, 1, 9, 1]

    assert run(scenario, batching=Batching(rows=4)) == [1, 4, 1, 9, 1]


def test_batching_can_be_turned_off() -> None:
    async def scenario(batcher: Batcher, method: Method, gate: Gate) -> None:
        gate.leave.release(1000)
        futures = [batcher.submit(method, ask(float(n))) for n in range(5)]
        assert await asyncio.gather(*futures) == [[float(n)] for n in range(5)]

    assert run(scenario, batching=Batching(enabled=False)) == [1] * 5


def test_several_workers_run_side_by_side() -> None:
    async def scenario(batcher: Batcher, method: Method, gate: Gate) -> None:
        futures = [batcher.submit(method, ask(float(n))) for n in range(2)]
        await entered(gate)
        await entered(gate)
        gate.leave.release(2)
        assert await asyncio.gather(*futures) == [[0.0], [1.0]]

    run(scenario, batching=Batching(workers=2))


def test_more_than_the_queue_holds_is_refused_with_a_time_to_come_back() -> None:
    async def scenario(batcher: Batcher, method: Method, gate: Gate) -> None:
        running = batcher.submit(method, ask(1.0))
        await entered(gate)
        waiting = batcher.submit(method, ask(*[2.0] * 8))
        with pytest.raises(Overloaded) as refused:
            batcher.submit(method, ask(3.0, 3.0, 3.0))
        assert refused.value.details["retry_after"] >= 1
        gate.leave.release(2)
        await asyncio.gather(running, waiting)

    run(scenario, limits=Limits(queued_rows=10))


def test_a_request_larger_than_the_queue_is_taken_when_nothing_waits() -> None:
    async def scenario(batcher: Batcher, method: Method, gate: Gate) -> None:
        gate.leave.release(2)
        assert len(await batcher.submit(method, ask(*[1.0] * 50))) == 50

    run(scenario, limits=Limits(queued_rows=10))


def test_a_cancelled_request_gives_its_place_up() -> None:
    async def scenario(batcher: Batcher, method: Method, gate: Gate) -> None:
        first = batcher.submit(method, ask(1.0))
        await entered(gate)
        second, third = batcher.submit(method, ask(2.0)), batcher.submit(method, ask(3.0))
        second.cancel()
        gate.leave.release(2)
        assert await first == [1.0]
        assert await third == [3.0]
        assert gate.calls == [[1.0], [3.0]]

    run(scenario)


def test_a_request_whose_time_is_up_is_told_while_the_model_still_works() -> None:
    async def scenario(batcher: Batcher, method: Method, gate: Gate) -> None:
        first = batcher.submit(method, ask(1.0))
        await entered(gate)
        late = batcher.submit(method, ask(2.0, deadline=time.monotonic() + 0.01))
        with pytest.raises(TimedOut, match="time was up"):
            await late
        assert batcher.waiting_rows == 0
        gate.leave.release()
        assert await first == [1.0]

    run(scenario)


def test_nobody_waits_longer_than_the_limit() -> None:
    async def scenario(batcher: Batcher, method: Method, gate: Gate) -> None:
        first = batcher.submit(method, ask(1.0))
        await entered(gate)
        with pytest.raises(Overloaded, match="time was up"):
            await batcher.submit(method, ask(2.0))
        gate.leave.release()
        assert await first == [1.0]

    run(scenario, limits=Limits(wait_seconds=0.01))


def test_idle_is_when_nothing_waits_and_nothing_runs() -> None:
    async def scenario(batcher: Batcher, method: Method, gate: Gate) -> None:
        await batcher.idle()
        futures = [batcher.submit(method, ask(float(n))) for n in range(3)]
        waiting = asyncio.create_task(batcher.idle())
        await entered(gate)
        assert not waiting.done()
        gate.leave.release(10)
        await waiting
        assert all(future.done() for future in futures)

    run(scenario)


def test_groups_take_turns() -> None:
    async def scenario(batcher: Batcher, method: Method, gate: Gate) -> None:
        futures: list[Any] = [batcher.submit(method, ask(0.0))]
        await entered(gate)
        native = Request(
            "gated", "predict", {"X": Json([{"length": 9.0, "width": 0.0}])}, "n", native=True
        )
        futures += [batcher.submit(method, ask(float(n))) for n in (1, 2)]
        futures.append(batcher.submit(method, native))
        futures += [batcher.submit(method, ask(float(n))) for n in (3, 4)]
        gate.leave.release(100)
        await asyncio.gather(*futures)
        assert gate.calls == [[0.0], [1.0, 2.0], [9.0], [3.0, 4.0]]

    run(scenario, batching=Batching(rows=2))


class Caller:
    """Stands in for the call of a model: tells in which thread it runs, and takes its time when told to."""

    def __init__(self) -> None:
        self.slow = False
        self.on_loop: list[bool] = []
        self.sizes: list[int] = []

    def __call__(self, method: Method, requests: Sequence[Request]) -> list[Any]:
        self.on_loop.append(threading.current_thread() is threading.main_thread())
        self.sizes.append(len(requests))
        until = time.perf_counter() + (8 * QUICK_SECONDS if self.slow else 0)
        while time.perf_counter() < until:
            pass
        return [0] * len(requests)


def play(scenario: Callable[[Batcher, Method, Caller], Awaitable[None]], **options: Any) -> Caller:
    caller = Caller()
    model, _ = gated()

    async def scene() -> None:
        batching = options.pop("batching", Batching())
        batcher = Batcher("gated", batching, Limits(), run=caller, **options)
        try:
            async with asyncio.timeout(60):
                await scenario(batcher, Method(model, "predict"), caller)
        finally:
            batcher.close()

    asyncio.run(scene())
    return caller


async def ask_until_on_loop(batcher: Batcher, method: Method, caller: Caller) -> None:
    for _ in range(200):
        await batcher.submit(method, ask(1.0))
        if caller.on_loop[-1]:
            return
    pytest.fail("quick calls stayed in the thread")


def test_quick_calls_are_made_on_the_loop_once_they_are_known_to_be_quick() -> None:
    caller = play(ask_until_on_loop)
    assert not caller.on_loop[0]


def test_a_call_that_became_slow_goes_back_to_its_thread() -> None:
    async def scenario(batcher: Batcher, method: Method, caller: Caller) -> None:
        await ask_until_on_loop(batcher, method, caller)
        caller.slow = True
        await batcher.submit(method, ask(1.0))
        await batcher.submit(method, ask(1.0))
        assert not caller.on_loop[-1]

    play(scenario)


def test_larger_batches_are_quick_only_when_seen_to_be() -> None:
    async def scenario(batcher: Batcher, method: Method, caller: Caller) -> None:
        await ask_until_on_loop(batcher, method, caller)
        await asyncio.gather(*(batcher.submit(method, ask(1.0)) for _ in range(9)))
        assert (caller.on_loop[-1], caller.sizes[-1]) == (False, 9)

    play(scenario)


@pytest.mark.parametrize("options", [{"apart": True}, {"batching": Batching(workers=2)}], ids=str)
def test_nothing_is_called_on_the_loop_where_calls_are_kept_apart(options: dict[str, Any]) -> None:
    async def scenario(batcher: Batcher, method: Method, caller: Caller) -> None:
        for _ in range(50):
            await batcher.submit(method, ask(1.0))

    assert not any(play(scenario, **options).on_loop)


def test_a_function_of_somebodys_own_is_never_called_on_the_loop() -> None:
    async def scenario(batcher: Batcher, method: Method, caller: Caller) -> None:
        own = Method(function_model("own", 1.0, predict=lambda x: x), "predict")
        for _ in range(50):
            await batcher.submit(own, Request("own", "predict", {"x": Json(1.0)}, "r"))

    assert not any(play(scenario).on_loop)


def test_what_comes_in_together_is_one_call() -> None:
    async def scenario(batcher: Batcher, method: Method, caller: Caller) -> None:
        await asyncio.gather(*(batcher.submit(method, ask(1.0)) for _ in range(20)))

    assert play(scenario).sizes == [20]
