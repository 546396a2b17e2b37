from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from modelyard.base.errors import Overloaded, TimedOut
from modelyard.serving.batcher import Batcher
from modelyard.serving.execution import Method
from modelyard.serving.interface import Batching, Json, Limits, Request
from serving_cases.models import Gate, gated

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
