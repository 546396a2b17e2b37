"""A request with an idempotency key is carried out once, however often it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from fault_proxy import Proxy
from modelyard.base.errors import Conflict, InvalidInput, Overloaded
from modelyard.serving.edge import Call, Reply, error_reply
from modelyard.serving.interface import Limits
from modelyard.serving.repeats import Repeats


class Handler:
    """Counts its calls; answers with their number, after as many turns of the loop as it is told."""

    def __init__(self, *, turns: int = 0, raises: Exception | None = None) -> None:
        self.calls = 0
        self.turns = turns
        self.raises = raises
        self.cancelled = False

    async def __call__(self, call: Call) -> Reply:
        self.calls += 1
        mine = self.calls
        try:
            for _ in range(self.turns):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if self.raises is not None:
            raise self.raises
        return Reply(b"%d" % mine)


def call(key: str | None = "k", body: bytes = b"{}", **headers: str) -> Call:
    named: Mapping[bytes, bytes] = {
        n.replace("_", "-").encode(): v.encode() for n, v in headers.items()
    }
    keyed = named if key is None else {**named, b"idempotency-key": key.encode()}
    return Call(keyed, body, "r1", "", path="/predict")


async def ask(repeats: Repeats, handler: Handler, asked: Call) -> bytes:
    return (await repeats.answer(asked, handler, error_reply)).body


def both(first: Call, second: Call, limits: Limits | None = None) -> list[bytes]:
    async def play() -> list[bytes]:
        repeats, handler = Repeats(limits or Limits()), Handler()
        return [await ask(repeats, handler, first), await ask(repeats, handler, second)]

    return asyncio.run(play())


def test_the_second_time_it_is_the_first_answer() -> None:
    assert both(call(), call()) == [b"1", b"1"]


def test_it_says_that_it_is_the_first_one() -> None:
    async def play() -> list[Reply]:
        repeats, handler = Repeats(Limits()), Handler()
        return [await repeats.answer(call(), handler, error_reply) for _ in range(2)]

    first, second = asyncio.run(play())
    assert (b"idempotent-replayed", b"true") in second.headers
    assert not first.headers


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (call(None), call(None)),
        (call("a"), call("b")),
        (call(authorization="Bearer a"), call(authorization="Bearer b")),
        (call(x_api_key="a"), call(x_api_key="b")),
        (call(accept="text/event-stream"), call(accept="text/event-stream")),
    ],
    ids=["no key", "two keys", "two tokens", "two api keys", "a stream"],
)
def test_all_else_is_carried_out(first: Call, second: Call) -> None:
    assert both(first, second) == [b"1", b"2"]


@pytest.mark.parametrize(
    "other",
    [
        call(body=b"[]"),
        call(accept="text/csv"),
        call(content_type="text/csv"),
        call(x_reference_id="7"),
    ],
    ids=["body", "accept", "content type", "reference"],
)
def test_one_key_is_not_for_two_requests(other: Call) -> None:
    with pytest.raises(Conflict, match="another request") as refused:
        both(call(), other)
    assert refused.value.hint == "a new request needs a new key"


@pytest.mark.parametrize("key", ["", "k" * 256], ids=["empty", "long"])
def test_a_key_has_a_length(key: str) -> None:
    with pytest.raises(InvalidInput, match="1 to 255"):
        both(call(key), call(key))


def test_nothing_is_kept_when_that_is_turned_off() -> None:
    assert both(call(), call(), Limits(repeat_seconds=0)) == [b"1", b"2"]


def test_it_is_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("modelyard.serving.repeats.time.monotonic", lambda: now[0])

    async def play() -> None:
        repeats, handler = Repeats(Limits(repeat_seconds=10)), Handler()
        assert await ask(repeats, handler, call()) == b"1"
        now[0] = 109.0
        assert await ask(repeats, handler, call()) == b"1"
        now[0] = 111.0
        assert await ask(repeats, handler, call()) == b"2"
        assert len(repeats) == 1

    asyncio.run(play())


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    async def play() -> None:
        repeats, handler = Repeats(Limits(repeat_bytes=10_000)), Handler()
        for n in range(100):
            await ask(repeats, handler, call(str(n)))
            await asyncio.sleep(0)
        assert 5 < len(repeats) < 10
        assert await ask(repeats, handler, call("99")) == b"100"
        assert await ask(repeats, handler, call("0")) == b"101"

    asyncio.run(play())


def test_what_is_too_large_to_keep_forgets_nothing_else() -> None:
    async def large(call: Call) -> Reply:
        return Reply(b"x" * 20_000)

    async def play() -> None:
        repeats, handler = Repeats(Limits(repeat_bytes=10_000)), Handler()
        await ask(repeats, handler, call("small"))
        await repeats.answer(call("large"), large, error_reply)
        await asyncio.sleep(0)
        assert len(repeats) == 1
        assert await ask(repeats, handler, call("small")) == b"1"

    asyncio.run(play())


def test_two_at_once_share_one_answer() -> None:
    async def play() -> None:
        repeats, handler = Repeats(Limits()), Handler(turns=5)
        asked = [ask(repeats, handler, call()) for _ in range(3)]
        assert await asyncio.gather(*asked) == [b"1"] * 3
        assert handler.calls == 1

    asyncio.run(play())


def test_a_failure_is_an_answer_too() -> None:
    async def play() -> None:
        repeats, handler = Repeats(Limits()), Handler(raises=InvalidInput("no"))
        first = await repeats.answer(call(), handler, error_reply)
        second = await repeats.answer(call(), handler, error_reply)
        assert (first.status, second.status, handler.calls) == (400, 400, 1)

    asyncio.run(play())


def test_come_again_later_is_not_kept() -> None:
    async def play() -> None:
        repeats, handler = Repeats(Limits()), Handler(raises=Overloaded("busy", retry_after=1))
        assert (await repeats.answer(call(), handler, error_reply)).status == 429
        handler.raises = None
        await asyncio.sleep(0)
        assert await ask(repeats, handler, call()) == b"2"

    asyncio.run(play())


def test_who_hangs_up_and_comes_again_finds_it_done() -> None:
    async def play() -> None:
        repeats, handler = Repeats(Limits()), Handler(turns=5)
        first = asyncio.create_task(ask(repeats, handler, call()))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert await ask(repeats, handler, call()) == b"1"

    asyncio.run(play())


def test_who_hangs_up_and_stays_away_is_not_worked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelyard.serving.repeats.GRACE_SECONDS", 0.0)

    async def play() -> None:
        repeats, handler = Repeats(Limits()), Handler(turns=10_000)
        first = asyncio.create_task(ask(repeats, handler, call()))
        await asyncio.sleep(0)
        first.cancel()
        for _ in range(10_000):
            if handler.cancelled:
                break
            await asyncio.sleep(0)
        assert handler.cancelled
        handler.turns = 0
        assert await ask(repeats, handler, call()) == b"2"

    asyncio.run(play())


def test_a_lost_answer_is_one_row_in_the_log() -> None:
    """The server does the work, the answer does not come back, the client asks again."""
    import httpx2

    from serving_cases.logs import FaultyLog
    from serving_cases.models import iris, records
    from serving_cases.server import serving

    log = FaultyLog()
    with serving(iris(), log=log) as http, Proxy(http.base_url.port or 0) as proxy:
        proxy.drop_answers(1)
        url = f"http://127.0.0.1:{proxy.port}/predict"
        headers = {"Idempotency-Key": "k1", "X-Request-ID": "r1"}
        with pytest.raises(httpx2.TransportError):
            httpx2.post(url, json=records(1), headers=headers)
        again = httpx2.post(url, json=records(1), headers=headers)
        assert proxy.dropped == 1
        assert again.is_success
        other = httpx2.post(url, json=records(1), headers={"Idempotency-Key": "k2"})
        assert other.json() == again.json()
    # The log is written to its end when the server stops.
    assert [p.request_id for p in log.kept] == ["r1", other.headers["x-request-id"]]
