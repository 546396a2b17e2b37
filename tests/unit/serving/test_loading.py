"""Models that come and go while the service answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from modelyard.base.errors import Corrupted, NotFound, NotReady
from modelyard.serving.interface import Json, Request
from modelyard.serving.servers.fastapi import create_app
from modelyard.serving.service import Service
from serving_cases.models import function_model, gated, records


def numbered(number: int, name: str = "numbers") -> Any:
    model = function_model(name, 1.0, predict=lambda x: number)
    model.version = str(number)
    return model


def ask(name: str = "numbers") -> Request:
    return Request(name, "predict", {"x": Json(1.0)}, "r1")


def run(service: Service, scenario: Callable[[], Awaitable[Any]]) -> Any:
    async def play() -> Any:
        await service.start()
        await service.warm_up()
        try:
            return await scenario()
        finally:
            await service.close()

    return asyncio.run(play())


def test_loading_again_swaps_the_model_and_moves_the_generation() -> None:
    versions = iter([2, 3])
    service = Service([numbered(1)], opener=lambda name: numbered(next(versions)))

    async def scenario() -> list[tuple[Any, str]]:
        seen = []
        for _ in range(2):
            answer = await service.infer(ask())
            seen.append((answer.value, answer.identity))
            await service.load("numbers")
        answer = await service.infer(ask())
        return [*seen, (answer.value, answer.identity)]

    assert run(service, scenario) == [(1, "numbers@1"), (2, "numbers@2"), (3, "numbers@3")]
    assert service.generation == 2


def test_what_was_asked_before_a_swap_is_answered_by_the_model_it_was_asked_of() -> None:
    slow, gate = gated("slow")
    fast, passed = gated("slow")
    passed.leave.release()
    passed.leave.release()
    service = Service([slow], opener=lambda name: fast)
    request = Request("slow", "predict", {"X": Json(records(1))}, "r1")

    async def scenario() -> None:
        before = asyncio.ensure_future(service.infer(request))
        await asyncio.to_thread(gate.entered.acquire)
        swap = asyncio.ensure_future(service.load("slow"))
        async with asyncio.timeout(60):
            while service.generation == 0:
                await asyncio.sleep(0)
        after = await service.infer(request)
        assert not before.done()
        gate.leave.release()
        assert (await before).value == after.value
        await swap

    run(service, scenario)
    assert len(gate.calls) == 1


def test_a_model_that_does_not_open_changes_nothing() -> None:
    def broken(name: str) -> Any:
        raise Corrupted("a byte is wrong")

    service = Service([numbered(1)], opener=broken)

    async def scenario() -> Any:
        with pytest.raises(Corrupted):
            await service.load("numbers")
        return (await service.infer(ask())).value

    assert run(service, scenario) == 1
    assert [(row.name, row.state) for row in service.index()] == [("numbers", "READY")]
    assert service.generation == 0


def test_what_was_unloaded_says_so_until_it_is_loaded_again() -> None:
    service = Service([numbered(1, "a"), numbered(1, "b")], opener=lambda name: numbered(2, name))

    async def scenario() -> None:
        await service.unload("a")
        with pytest.raises(NotReady, match="it was unloaded"):
            await service.infer(ask("a"))
        with pytest.raises(NotReady):
            await service.unload("a")
        assert [(row.name, row.version, row.state) for row in service.index()] == [
            ("a", "", "UNAVAILABLE"),
            ("b", "1", "READY"),
        ]
        await service.load("a")
        assert (await service.infer(ask("a"))).value == 2

    run(service, scenario)


def test_strangers_are_loaded_only_by_who_can_open_them_and_may_be_forgotten() -> None:
    service = Service([], opener=lambda name: numbered(0, name), prefixed=True)

    async def scenario() -> None:
        with pytest.raises(NotFound, match="no model named 'x' is known here"):
            await service.load("x")
        await service.load("x", lambda: numbered(7, "other"))
        assert (await service.infer(ask("x"))).identity == "x@7"
        await service.unload("x", forget=True)
        with pytest.raises(NotFound):
            await service.infer(ask("x"))

    run(service, scenario)
    assert service.index() == []


def test_paths_and_openapi_follow_the_models() -> None:
    service = Service([numbered(1, "a"), numbered(1, "b")], opener=lambda name: numbered(2, name))
    with TestClient(create_app(service), base_url="http://127.0.0.1") as client:
        assert client.portal is not None
        assert client.post("/a/predict", json=1.0).json() == 1
        client.portal.call(service.unload, "a")
        assert client.post("/a/predict", json=1.0).status_code == 404
        assert "/a/predict" not in client.get("/openapi.json").json()["paths"]
        assert client.post("/b/predict", json=1.0).json() == 1
        client.portal.call(service.load, "a")
        assert client.post("/a/predict", json=1.0).json() == 2
        assert "/a/predict" in client.get("/openapi.json").json()["paths"]
