"""The core without HTTP, as a protocol on a port of its own would use it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from modelyard.base.errors import AlreadyExists, InvalidInput, ModelFailed, NotFound, UnknownMethod
from modelyard.base.notes import collected
from modelyard.serving.interface import Json, Request
from modelyard.serving.service import Service
from serving_cases.logs import FaultyLog
from serving_cases.models import classifier, frame, function_model, iris, records, table_model


def run(service: Service, scenario: Callable[[], Awaitable[Any]]) -> Any:
    async def play() -> Any:
        await service.start()
        try:
            return await scenario()
        finally:
            await service.close()

    return asyncio.run(play())


def test_native_in_native_out() -> None:
    service = Service([iris()])
    request = Request("iris", "predict", {"X": frame()}, "r1", rows=40, native=True)
    answer = run(service, lambda: service.infer(request))
    np.testing.assert_array_equal(answer.value, classifier().predict(frame()))
    assert answer.identity == service.models["iris"].identity
    assert answer.request_id == "r1"
    assert answer.latency_ms > 0


def test_many_at_once_get_their_own_answers() -> None:
    service = Service([iris()])
    requests = [
        Request("iris", "predict_proba", {"X": Json([row])}, f"r{i}")
        for i, row in enumerate(records(40))
    ]

    async def all_at_once() -> Any:
        return await asyncio.gather(*(service.infer(request) for request in requests))

    answers = run(service, all_at_once)
    expected = classifier().predict_proba(frame())
    np.testing.assert_allclose([a.value[0] for a in answers], expected, atol=1e-15)
    assert [a.request_id for a in answers] == [f"r{i}" for i in range(40)]


def test_methods_are_found_by_name_or_as_the_only_one() -> None:
    service = Service([iris()])
    assert service.find().name == "predict"
    assert service.find("iris", "predict_proba").name == "predict_proba"
    with pytest.raises(UnknownMethod) as unknown:
        service.find("iris", "predcit")
    assert list(unknown.value.details["choices"]) == ["predict", "predict_proba"]
    several = Service([iris("a"), iris("b")])
    assert several.find("b").model.name == "b"
    with pytest.raises(NotFound, match="which model"):
        several.find()
    with pytest.raises(NotFound, match="'c'"):
        several.find("c")


def test_names_must_differ_and_there_must_be_a_model() -> None:
    with pytest.raises(AlreadyExists, match="two models named 'iris'"):
        Service([iris(), iris()])
    with pytest.raises(InvalidInput):
        Service([])


def test_a_failure_of_the_model_is_logged_and_a_misfit_is_not() -> None:
    def fails(x: float) -> float:
        raise OSError("no")

    log = FaultyLog()
    service = Service([function_model("fails", 1.0, predict=fails)], log=log)

    async def scenario() -> None:
        for value, error in ((1.0, ModelFailed), ("one", InvalidInput)):
            with pytest.raises(error):
                await service.infer(Request("fails", "predict", {"x": Json(value)}, "r1"))

    run(service, scenario)
    assert [(p.inputs, p.outputs) for p in log.kept] == [({"x": 1.0}, None)]
    assert "raised OSError" in log.kept[0].error
    assert service.recorder
    assert (service.recorder.logged, service.recorder.dropped) == (1, 0)


def test_warming_up_calls_known_methods_on_the_sample_and_no_function_of_somebodys_own() -> None:
    calls: list[str] = []

    def send_letter(x: float) -> float:
        calls.append("letter")
        return x

    def lengths(X: Any) -> Any:
        calls.append("table")
        return X["length"].to_numpy()

    letters = function_model("letters", 1.0, predict=send_letter)
    letters.card = letters.card.but(sample=1.0)
    service = Service([letters, table_model(lengths)])
    calls.clear()
    run(service, service.warm_up)
    assert calls == ["table"]


def test_a_model_that_fails_on_its_own_sample_is_told_and_served() -> None:
    def fails(X: Any) -> Any:
        if calls:
            raise OSError("no")
        calls.append(1)
        return X["length"].to_numpy()

    calls: list[int] = []
    service = Service([table_model(fails)])

    async def scenario() -> bool:
        await service.warm_up()
        return service.ready

    with collected() as said:
        assert run(service, scenario) is True
    assert any("predict failed on its own sample" in line for line in said)
    assert service.ready is False
    assert service.draining is True
