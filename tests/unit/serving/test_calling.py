"""How clients call: blocking and awaited from one core, again when an answer was lost, with secrets kept."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import os
import socket
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import modelyard as my
from fault_proxy import Proxy
from modelyard.base.errors import (
    InvalidInput,
    NotAllowed,
    Overloaded,
    SchemaMismatch,
    Unauthenticated,
    Unreachable,
)
from modelyard.serving.calling import plans
from modelyard.serving.client import AsyncClient, Client
from serving_cases.answering import DESCRIPTION, answering
from serving_cases.logs import FaultyLog
from serving_cases.models import classifier, frame, function_model, iris
from serving_cases.server import serving

BUSY = (429, {"Retry-After": "0"}, {"error": {"code": "overloaded", "message": "busy"}})
DONE = (200, {}, 4.0)


def scale(x: float, by: float = 2.0) -> float:
    return x * by


@pytest.fixture(scope="module")
def log() -> FaultyLog:
    return FaultyLog()


@pytest.fixture(scope="module")
def port(log: FaultyLog) -> Iterator[int]:
    with serving([iris(), function_model("numbers", 1.0, scale=scale)], log=log) as http:
        yield http.base_url.port or 0


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses are not waited for, but kept."""
    waited: list[float] = []

    async def awaited(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("modelyard.serving.calling.wire.wait", waited.append)
    monkeypatch.setattr("modelyard.serving.calling.wire.wait_awaited", awaited)
    return waited


# -- one core


def test_an_awaited_call_answers_as_a_blocking_one(port: int) -> None:
    async def ask() -> Any:
        async with AsyncClient(f"http://127.0.0.1:{port}") as client:
            model = client.model("iris")
            answers = await asyncio.gather(*(model.predict_proba(frame()) for _ in range(5)))
            assert await client.model("numbers").scale(3.0, by=4.0) == 12.0
            return answers

    for answer in asyncio.run(ask()):
        np.testing.assert_allclose(answer, classifier().predict_proba(frame()), atol=1e-15)


def test_both_clients_are_public_and_have_the_same_arguments() -> None:
    assert my.AsyncClient is AsyncClient
    assert inspect.signature(AsyncClient) == inspect.signature(Client)


def test_an_async_client_may_be_awaited_and_used_on_one_loop_after_another(port: int) -> None:
    async def connect() -> AsyncClient:
        return await AsyncClient(f"http://127.0.0.1:{port}")

    async def ask(client: AsyncClient) -> float:
        try:
            return await client.model("numbers").scale(2.0)
        finally:
            await client.close()

    client = asyncio.run(connect())
    with warnings.catch_warnings():
        # The first loop ended with a connection open: nobody can close that in order any more.
        warnings.simplefilter("ignore", ResourceWarning)
        assert asyncio.run(ask(client)) == 4.0
        gc.collect()
    assert asyncio.run(ask(client)) == 4.0


def test_an_async_client_that_was_not_awaited_says_so() -> None:
    client = AsyncClient("http://127.0.0.1:1")
    with pytest.raises(InvalidInput, match="not asked") as refused:
        client.model()
    assert "await AsyncClient(url)" in str(refused.value.hint)
    assert "not asked" in repr(client)


def test_errors_are_the_same_awaited(port: int) -> None:
    async def ask() -> None:
        async with AsyncClient(f"http://127.0.0.1:{port}") as client:
            await client.model("iris").predict(frame()[["length"]])

    with pytest.raises(SchemaMismatch, match="missing 'width'"):
        asyncio.run(ask())


def test_a_blocking_client_works_where_a_loop_runs(port: int) -> None:
    async def cell_of_a_notebook() -> float:
        with Client(f"http://127.0.0.1:{port}") as client:
            return client.model("numbers").scale(2.0)

    assert asyncio.run(cell_of_a_notebook()) == 4.0


def test_methods_say_what_they_take(port: int) -> None:
    with Client(f"http://127.0.0.1:{port}") as client:
        predict = client.model("iris").predict
        assert str(inspect.signature(predict)) == "(X: DataFrame) -> ndarray"
        told = inspect.getdoc(predict) or ""
        assert "X: DataFrame with length (float64), width (float64)" in told
        assert "Gives: ndarray of int64, shape (n)" in told
        assert "scale(x: float, by: float = 2.0) -> float" in repr(client.model("numbers"))
        assert "length" in client._repr_html_()
        assert list(client.model("iris").interface.methods) == ["predict", "predict_proba"]


# -- again


@pytest.mark.parametrize("lost", [1, 2])
def test_a_lost_answer_is_asked_for_again_and_logged_once(
    port: int, log: FaultyLog, no_pauses: list[float], lost: int
) -> None:
    with Proxy(port) as proxy, Client(f"http://127.0.0.1:{proxy.port}") as client:
        proxy.drop_answers(lost)
        answer = client.model("numbers").call("scale", [20.0 + lost], reference_id=f"lost-{lost}")
        assert answer == 40.0 + lost * 2
        assert proxy.dropped == lost
        # What is logged later is there already when this one is.
        client.model("numbers").call("scale", [1.0], reference_id=f"after-{lost}")
    wanted = threading.Event()
    while not any(p.reference_id == f"after-{lost}" for p in log.kept):
        wanted.wait(0.01)
    assert [p.reference_id for p in log.kept].count(f"lost-{lost}") == 1


def test_awaited_too(port: int, no_pauses: list[float]) -> None:
    async def ask(proxy: Proxy) -> float:
        async with AsyncClient(f"http://127.0.0.1:{proxy.port}") as client:
            proxy.drop_answers(1)
            return await client.model("numbers").scale(21.0)

    with Proxy(port) as proxy:
        assert asyncio.run(ask(proxy)) == 42.0
        assert proxy.dropped == 1


def test_a_request_that_breaks_off_on_its_way_is_sent_again(
    port: int, no_pauses: list[float]
) -> None:
    with Proxy(port) as proxy, Client(f"http://127.0.0.1:{proxy.port}", retries=1) as client:
        client.close()  # what is open was let through already
        proxy.cut_after(100)
        with pytest.raises(Unreachable):
            client.model("numbers").scale(1.0)
        assert len(no_pauses) == 1
        proxy.cut_after(None)
        assert client.model("numbers").scale(1.0) == 2.0


def test_a_server_that_does_not_know_requests_again_gets_them_once() -> None:
    description = copy.deepcopy(DESCRIPTION)
    del description["modelyard"]["limits"]
    with answering([DONE], description) as server, Proxy(int(server.url[-5:].strip(":/"))) as proxy:
        client = Client(f"http://127.0.0.1:{proxy.port}")
        proxy.drop_answers(1)
        with client, pytest.raises(Unreachable):
            client.predict(2.0)
        assert len(server.asked) == 1


def test_every_attempt_is_the_same_request(no_pauses: list[float]) -> None:
    with answering([BUSY, BUSY, DONE]) as server, Client(server.url) as client:
        assert client.predict(2.0) == 4.0
    assert len(server.asked) == 3
    assert {a["idempotency-key"] for a in server.asked} == {server.asked[0]["x-request-id"]}
    assert len(set(server.bodies)) == 1
    assert all(0 < float(a["x-request-timeout"]) <= 60 for a in server.asked)


def test_two_calls_are_two_requests() -> None:
    with answering([DONE]) as server, Client(server.url) as client:
        client.predict(2.0)
        client.predict(2.0)
    assert len({a["idempotency-key"] for a in server.asked}) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_is_given_the_time_it_asks_for(no_pauses: list[float], status: int) -> None:
    later = (status, {"Retry-After": "7"}, {"error": {"code": "overloaded", "message": "busy"}})
    with answering([later, DONE]) as server, Client(server.url) as client:
        assert client.predict(2.0) == 4.0
    [pause] = no_pauses
    assert 7 <= pause <= 9


def test_a_server_that_asks_for_more_time_than_there_is_is_not_waited_for(
    no_pauses: list[float],
) -> None:
    later = (429, {"Retry-After": "30"}, {"error": {"code": "overloaded", "message": "busy"}})
    with answering([later]) as server, Client(server.url, timeout=10) as client:
        with pytest.raises(Overloaded, match="busy"):
            client.predict(2.0)
        assert len(server.asked) == 1
    assert not no_pauses


def test_tries_are_counted_and_pauses_grow(no_pauses: list[float]) -> None:
    later = (503, {}, {"error": {"code": "not_ready", "message": "loading"}})
    with answering([later]) as server, Client(server.url, retries=3) as client:
        with pytest.raises(my.ModelyardError, match="loading") as refused:
            client.predict(2.0)
        assert refused.value.code == "not_ready"
        assert len(server.asked) == 4
    assert len(no_pauses) == 3
    for i, pause in enumerate(no_pauses):
        assert plans.FIRST_PAUSE * 2**i / 2 <= pause <= plans.FIRST_PAUSE * 2**i


@pytest.mark.parametrize("status", [400, 422, 500])
def test_what_is_refused_for_good_is_not_asked_again(status: int) -> None:
    refusal = (status, {}, {"error": {"code": "schema_mismatch", "message": "no"}})
    with answering([refusal]) as server, Client(server.url) as client:
        with pytest.raises(SchemaMismatch):
            client.predict(2.0)
        assert len(server.asked) == 1


def test_the_time_is_for_all_of_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unreachable, match=r"longer than 0\.2 s") as refused:
            Client(url, timeout=0.2)
    assert refused.value.hint == "timeout= gives it longer"


@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": float("nan")}, {"retries": -1}])
def test_patience_is_a_number(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Client("http://127.0.0.1:1", **options)


def test_a_date_says_when_to_come_again_too() -> None:
    assert plans._seconds("Thu, 01 Jan 1970 00:00:00 GMT") == 0.0
    assert plans._seconds("soon") is None
    assert plans._seconds("12") == 12.0


# -- secrets


def test_secrets_go_with_every_request_and_show_nowhere() -> None:
    refused = (401, {}, {"error": {"code": "unauthenticated", "message": "who asks?"}})
    with answering([DONE, refused]) as server:
        client = Client(server.url, key="s3cret-token", headers={"X-Own": "s3cret"})
        client.predict(2.0)
        with client, pytest.raises(Unauthenticated) as error:
            client.predict(2.0)
    assert server.asked[0]["authorization"] == "Bearer s3cret-token"
    assert server.asked[0]["x-own"] == "s3cret"
    shown = [
        repr(client),
        client._repr_html_(),
        repr(client._wire.address),
        str(error.value),
        repr(error.value.details),
    ]
    assert not any("s3cret" in text for text in shown)


def test_secrets_are_not_sent_on_to_where_a_server_leads() -> None:
    with answering([DONE]) as thief:
        leads = (307, {"Location": f"{thief.url}/predict"}, None)
        with (
            answering([leads]) as server,
            Client(server.url, key="s3cret") as client,
            pytest.raises(Unreachable, match="leads to"),
        ):
            client.predict(2.0)
        assert not thief.asked


@pytest.mark.parametrize("secret", ["", "two words", "line\nbreak", "größe"])
def test_a_broken_secret_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Client("http://127.0.0.1:1", key=secret)
    assert not secret or secret not in str(refused.value)


def test_an_address_holds_no_password() -> None:
    with pytest.raises(InvalidInput, match="no password") as refused:
        Client("http://me:s3cret@127.0.0.1:1")
    assert "s3cret" not in str(refused.value)


def test_what_stands_between_is_told_by_its_status() -> None:
    with (
        answering([(403, {}, "<html>")]) as server,
        Client(server.url) as client,
        pytest.raises(NotAllowed, match="answered 403"),
    ):
        client.predict(2.0)


# -- threads and processes


def test_threads_share_a_client(port: int) -> None:
    with Client(f"http://127.0.0.1:{port}") as client, ThreadPoolExecutor(8) as pool:
        model = client.model("numbers")
        assert list(pool.map(model.scale, map(float, range(50)))) == [x * 2.0 for x in range(50)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_client_goes_on_working_after_a_fork(port: int) -> None:
    with Client(f"http://127.0.0.1:{port}") as client:
        scale = client.model("numbers").scale
        assert scale(1.0) == 2.0
        child = os.fork()
        if child == 0:
            os._exit(0 if all(scale(float(x)) == 2.0 * x for x in range(5)) else 1)
        mine = [scale(float(x)) for x in range(20)]
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert mine == [2.0 * x for x in range(20)]


def test_a_closed_client_leaves_no_thread_and_opens_again(port: int) -> None:
    before = threading.active_count()
    client = Client(f"http://127.0.0.1:{port}")
    client.close()
    client.close()
    assert threading.active_count() == before
    assert client.model("numbers").scale(1.0) == 2.0
    client.close()
