"""Models in processes of their own: the same answers, and what happens when such a process dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelyard.base.errors import (
    ModelCrashed,
    ModelFailed,
    ModelTimedOut,
    NotFound,
    SchemaMismatch,
)
from modelyard.objects.model import Model
from modelyard.serving import isolation
from modelyard.serving.apart import answer_apart
from modelyard.serving.execution import Method, answer
from modelyard.serving.interface import Json, Limits, Request
from modelyard.serving.isolation import IsolatedModel, isolate
from serving_cases import dangerous
from serving_cases.dangerous import EAT, EXIT, HANG, RAISE, SEGFAULT
from serving_cases.models import frame, iris, records
from serving_cases.server import serving


@contextlib.contextmanager
def isolated(
    open_one: Callable[[], Model], count: int = 1, **limits: Any
) -> Iterator[IsolatedModel]:
    model = isolate(open_one, limits=Limits(**limits), count=count)
    try:
        yield model
    finally:
        model.close()


@pytest.fixture(scope="module")
def obedient() -> Iterator[IsolatedModel]:
    with isolated(dangerous.function, call_seconds=4.0, memory_bytes=100 << 20) as model:
        yield model


@pytest.fixture(scope="module")
def flowers() -> Iterator[IsolatedModel]:
    with isolated(dangerous.flowers) as model:
        yield model


def ask(x: Any, argument: str = "x") -> Request:
    return Request("m", "predict", {argument: Json(x)}, request_id="r1")


def rows(*lengths: float) -> list[Request]:
    """A request a row, as they are joined."""
    return [ask([{"length": length, "width": 1.0}], "X") for length in lengths]


def until(true: Callable[[], Any], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.01)


def test_answers_are_those_it_would_give_here(flowers: IsolatedModel) -> None:
    here = iris()
    assert (flowers.identity, flowers.methods) == (here.identity, here.methods)
    assert flowers.object is None
    for name in here.methods:
        requests = [ask(records(n), "X") for n in (1, 3, 2)]
        expected = answer(Method(here, name), requests)
        got = flowers.answer(Method(flowers, name), requests)
        for mine, theirs in zip(got, expected, strict=True):
            assert np.array(mine) == pytest.approx(np.array(theirs), abs=1e-15)


def test_native_values_cross_both_ways(flowers: IsolatedModel) -> None:
    X = frame()
    np.testing.assert_array_equal(flowers.call("predict", X=X), iris().object.predict(X))
    with pytest.raises(SchemaMismatch) as refused:
        flowers.call("predict", X=X[["length"]])
    assert refused.value.hint or refused.value.details


def test_what_is_refused_is_refused_in_the_same_words(flowers: IsolatedModel) -> None:
    bad = ask([{"length": "long", "width": 1.0}], "X")
    [mine] = flowers.answer(Method(flowers, "predict"), [bad])
    [theirs] = answer(Method(iris(), "predict"), [bad])
    assert type(mine) is type(theirs) is SchemaMismatch
    assert (mine.message, mine.hint, dict(mine.details)) == (theirs.message, theirs.hint, dict(theirs.details))  # fmt: skip
    assert mine.details["field"] == "X[0].length"


@pytest.mark.parametrize(
    ("poison", "error", "says"),
    [
        (SEGFAULT, ModelCrashed, "killed by SIGSEGV"),
        (EXIT, ModelCrashed, "ended with code 3"),
        (HANG, ModelTimedOut, "did not answer within 4 s"),
        (EAT, ModelFailed, "raised MemoryError"),
        (RAISE, ModelFailed, "raised ArithmeticError"),
    ],
)
def test_what_one_request_does_is_its_own(
    obedient: IsolatedModel, poison: float, error: type[ModelFailed], says: str
) -> None:
    method = Method(obedient, "predict")
    [outcome] = obedient.answer(method, [ask(poison)])
    assert type(outcome) is error
    assert says in outcome.message
    assert obedient.answer(method, [ask(21.0)]) == [42.0]


def test_of_a_batch_only_the_guilty_are_failed() -> None:
    with isolated(dangerous.table, call_seconds=5.0) as model:
        method = Method(model, "predict")
        outcomes = model.answer(method, rows(1.0, SEGFAULT, 2.0, EXIT, 3.0))
        assert [o for o in outcomes if isinstance(o, list)] == [[2.0], [4.0], [6.0]]
        assert [type(o) for o in outcomes if not isinstance(o, list)] == [ModelCrashed] * 2
        assert outcomes[1].details["retry_after"] == 1


def test_one_that_dies_between_calls_is_replaced_before_the_next() -> None:
    restarts: list[None] = []
    before = children()
    with isolated(dangerous.function) as model:
        model.on_restart(lambda: restarts.append(None))
        [child] = children() - before
        os.kill(child, signal.SIGKILL)
        until(
            lambda: restarts
        )  # told while none is up: nobody may be quick enough to see that itself
        until(lambda: model.up)
        assert model.answer(Method(model, "predict"), [ask(1.0)]) == [2.0]
        assert len(restarts) == 1
        assert child not in children()


def test_with_several_processes_a_call_that_hangs_holds_nobody_up() -> None:
    before = children()
    with isolated(dangerous.function, count=2, call_seconds=60.0) as model:
        method = Method(model, "predict")
        hanging = threading.Thread(target=model.answer, args=(method, [ask(HANG)]))
        hanging.start()
        assert [model.answer(method, [ask(float(n))])[0] for n in range(20)] == [2.0 * n for n in range(20)]  # fmt: skip
        model.close()
        hanging.join(60)
    assert children() == before


def test_what_cannot_leave_its_process_says_so() -> None:
    opened = isolated(dangerous.answers_with_a_lock)
    with opened as model, pytest.raises(ModelFailed, match="cannot leave its process"):
        model.call("predict", x=1.0)


def test_streams_cross_item_by_item_and_end_with_their_reader() -> None:
    with isolated(dangerous.counts_up) as model:
        method = Method(model, "predict")
        assert list(model.stream(method, ask(3.0))) == [0.0, 1.0, 2.0, 3.0]
        endless = model.stream(method, ask(1e12))
        assert [next(endless) for _ in range(3)] == [0.0, 1.0, 2.0]
        assert list(model.stream(method, ask(1.0))) == [0.0, 1.0]  # beside it
        endless.close()  # type: ignore[attr-defined]  # it is a generator
        crashing = model.stream(method, ask(SEGFAULT))
        assert next(crashing) == 0.0
        with pytest.raises(ModelCrashed):
            next(crashing)
        assert list(model.stream(method, ask(1.0))) == [0.0, 1.0]  # waits for the new process
        with pytest.raises(ModelFailed, match="raised ArithmeticError"):
            list(model.stream(method, ask(RAISE)))


def test_a_call_apart_runs_beside_the_others() -> None:
    async def scenario(model: IsolatedModel) -> list[Any]:
        method = Method(model, "predict")
        ended = asyncio.Event()
        hanging = answer_apart(method, ask(HANG), ended.set)
        now = [model.answer(method, [ask(1.0)])[0], await answer_apart(method, ask(2.0), bool)]
        failed = await answer_apart(method, ask(RAISE), bool)
        hanging.cancel()
        return [*now, failed]

    with isolated(dangerous.function) as model:
        *answers, failed = asyncio.run(scenario(model))
    assert answers == [2.0, 4.0]
    assert type(failed) is ModelFailed


def test_arrays_of_any_size_cross() -> None:
    X = frame().sample(200_000, replace=True, random_state=0)
    with isolated(dangerous.flowers) as model:
        np.testing.assert_array_equal(model.call("predict", X=X), iris().object.predict(X))


def test_opening_fails_as_it_would_here() -> None:
    before = children()
    with pytest.raises(NotFound, match="chrun") as refused:
        isolate(dangerous.absent)
    assert (refused.value.hint, refused.value.details) == ("did you mean 'churn'?", {"choices": ["churn"]})  # fmt: skip
    with pytest.raises(ModelCrashed, match="ended with code 7 while it loaded"):
        isolate(dangerous.dies_while_it_loads)
    assert children() == before


def test_served_a_crash_is_a_503_and_shows_in_health_and_figures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(isolation, "PAUSES", (1.0,))  # so that it is down long enough to be seen
    with isolated(dangerous.function, call_seconds=3.0) as model, serving(model) as http:
        crashed = http.post("/predict", json=SEGFAULT)
        assert (crashed.status_code, crashed.headers["retry-after"]) == (503, "1")
        assert crashed.json()["error"]["code"] == "model_crashed"
        assert http.get("/readyz").status_code == 503
        assert http.post("/predict", json=1.0).json() == 2.0  # it waited for the new one
        assert http.get("/readyz").status_code == 200
        assert 'modelyard_model_restarts_total{model="obey"} 1.0' in http.get("/metrics").text
        hung = http.post("/predict", json=HANG)
        assert (hung.status_code, hung.json()["error"]["code"]) == (504, "model_timed_out")


def children() -> set[int]:
    me = os.getpid()
    found: list[int] = []
    for task in Path(f"/proc/{me}/task").iterdir():
        with contextlib.suppress(OSError):
            found += [int(pid) for pid in (task / "children").read_text().split()]
    return set(found)
