"""What clients do with much: tables as Arrow, large data in requests, streams, jobs; equal to calling the model itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from fault_proxy import Proxy
from modelyard import types
from modelyard.base.errors import InvalidInput, ModelFailed, NotReady, SchemaMismatch, Unreachable
from modelyard.objects.card import Card, FormatInfo
from modelyard.objects.model import Model
from modelyard.serving.calling.plans import Outgoing
from modelyard.serving.client import AsyncClient, Client
from modelyard.types.schema import Argument, Signature
from serving_cases.models import function_model, table_model
from serving_cases.server import serving

BODY_BYTES = 20_000


@dataclass
class Words:
    """A model that yields, and tells when its work is given up."""

    closed: threading.Event

    def count(self, x: int) -> Iterator[str]:
        try:
            for n in range(x):
                yield f"é{n}"
        finally:
            self.closed.set()

    def breaks(self, x: int) -> Iterator[int]:
        yield from range(x)
        raise OSError("no")


MIXED = pd.DataFrame(
    {
        "f": [1.5, None, 3.0],
        "i": [1, 2, 3],
        "b": [True, False, True],
        "s": ["a", "é", ""],
        "t": pd.to_datetime(["2026-01-01T00:00:00.000", "2026-01-02T03:04:05.678", None]),
        "c": pd.Categorical(["x", "y", "x"]),
        "n": pd.array([1, None, 3], dtype="Int64"),
        "z": pd.to_datetime(["2026-01-01"] * 3).tz_localize("Europe/Zurich"),
    }
)


def same(X: Any) -> Any:
    return X


def identity(name: str, sample: Any) -> Model:
    """Gives what it takes."""
    type_ = types.infer(sample)
    card = Card(
        flavor="sklearn",
        format=FormatInfo("skops", 1),
        methods={"predict": Signature({"X": Argument(type_)}, type_)},
    )
    return Model(card, None, {"predict": same}, name=name)


def double(X: pd.DataFrame) -> np.ndarray:
    return X["a"].to_numpy() * 2


def slow(x: float) -> float:
    if not OPEN.wait(60):
        raise AssertionError("nobody let the job go on")
    return x + 1


def fails(x: float) -> float:
    raise OSError("no")


OPEN = threading.Event()
WORDS = Words(threading.Event())
NUMBERS = pd.DataFrame({"a": [0.0, 1.0], "b": [0.0, 1.0]})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    models = [
        table_model(double, "double", sample=NUMBERS),
        identity("frame", MIXED),
        identity("matrix", np.zeros((2, 3))),
        identity("counts", np.zeros(2, "int32")),
        identity("texts", ["a"]),
        function_model("words", 3, count=WORDS.count, breaks=WORDS.breaks),
        function_model("jobs", 1.0, slow=slow, fails=fails),
    ]
    with serving(models, limits={"body_bytes": BODY_BYTES}) as http:
        yield str(http.base_url).rstrip("/")


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Client]:
    with Client(url) as client:
        yield client


@pytest.fixture
def sent(client: Client, monkeypatch: pytest.MonkeyPatch) -> list[Outgoing]:
    """The requests that were sent."""
    kept: list[Outgoing] = []
    do = client._wire._do

    def keep(effect: Any) -> Any:
        if hasattr(effect, "request"):
            kept.append(effect.request)
        return do(effect)

    monkeypatch.setattr(client._wire, "_do", keep)
    return kept


# -- tables and arrays


def test_a_table_of_many_rows_travels_as_arrow_and_of_few_as_json(
    client: Client, sent: list[Outgoing]
) -> None:
    frame = client.model("frame")
    many: Any = MIXED.iloc[[0, 1, 2] * 30].reset_index(drop=True)
    pd.testing.assert_frame_equal(frame.predict(many), many)
    pd.testing.assert_frame_equal(frame.predict(MIXED), MIXED)
    kinds = [request.headers["content-type"] for request in sent]
    assert kinds == ["application/vnd.apache.arrow.stream", "application/json"]


def test_an_array_of_many_rows_travels_as_npy(client: Client, sent: list[Outgoing]) -> None:
    X = np.arange(300.0).reshape(100, 3)
    answer = client.model("matrix").predict(X)
    np.testing.assert_array_equal(answer, X)
    answer[0, 0] = 7.0  # as the model's own may be written to
    assert sent[0].headers["content-type"] == "application/x-npy"


def test_a_server_without_these_formats_gets_json(url: str) -> None:
    with Client(url) as plain:
        spelling = plain.model("matrix")._spellings["predict"]
        spelling._taken = spelling._given = None
        X = np.arange(300.0).reshape(100, 3)
        np.testing.assert_array_equal(plain.model("matrix").predict(X), X)


@pytest.mark.parametrize("rows", [1, 64], ids=str)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_everything_comes_back_equal_whatever_it_travels_as(
    client: Client, rows: int, data: st.DataObject
) -> None:
    cells = {
        "f": st.one_of(st.floats(allow_infinity=False), st.just(-0.0)),
        "i": st.integers(-(2**63), 2**63 - 1),
        "b": st.booleans(),
        "s": st.text(st.characters(codec="utf-8"), max_size=5),
        "n": st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
    }
    few = {n: data.draw(st.lists(cell, min_size=1, max_size=4)) for n, cell in cells.items()}
    drawn = {n: [few[n][i % len(few[n])] for i in range(rows)] for n in few}
    times = pd.to_datetime(["2026-01-01", None] * rows)[:rows].astype(MIXED["t"].dtype)
    X = pd.DataFrame(
        {
            **drawn,
            "t": times,
            "c": pd.Categorical(["x"] * rows, categories=["x", "y"]),
            "z": pd.Series(MIXED["z"].iloc[[0] * rows].to_numpy(), dtype=MIXED["z"].dtype),
        }
    ).astype(MIXED.dtypes.to_dict())[list(MIXED)]
    want: Any = X
    pd.testing.assert_frame_equal(client.model("frame").predict(X), want)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cells=st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=80))
def test_whole_numbers_too(client: Client, cells: list[int]) -> None:
    X = np.array(cells * 2, "int32")
    answer = client.model("counts").predict(X)
    np.testing.assert_array_equal(answer, X)
    assert answer.dtype == X.dtype


# -- much data


def table(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"a": np.arange(rows, dtype=float), "b": np.ones(rows)})


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_large_table_is_cut_and_answered_in_order(client: Client, concurrency: int) -> None:
    X = table(5000)
    answers = list(
        client.model("double").map("predict", X, batch_rows=300, concurrency=concurrency)
    )
    assert [len(a) for a in answers[:-1]] == [300] * 16
    np.testing.assert_array_equal(np.concatenate(answers), X["a"] * 2)


def test_what_is_too_much_for_the_server_is_halved(client: Client, sent: list[Outgoing]) -> None:
    X = table(6000)
    answers = list(client.model("double").map(None, X, concurrency=1))
    np.testing.assert_array_equal(np.concatenate(answers), X["a"] * 2)
    sizes = [len(request.body or b"") for request in sent]
    assert max(sizes) <= BODY_BYTES
    assert len(sizes) < 16, "after the first it was known what is too much"


def test_one_row_that_is_too_much_says_which(client: Client) -> None:
    texts = ["short", "x" * BODY_BYTES, "short"]
    with pytest.raises(Exception, match="rows 1 to 1: ") as refused:
        list(client.model("texts").map("predict", texts))
    assert refused.value.code == "too_large"  # type: ignore[attr-defined]  # an error of ours has it


def test_pieces_and_records_may_come_one_after_the_other(client: Client) -> None:
    double = client.model("double")
    pieces = (table(10) for _ in range(5))
    assert sum(map(len, double.map("predict", pieces))) == 50
    records = ({"a": float(n), "b": 0.0} for n in range(25))
    answers = list(double.map("predict", records, batch_rows=10))
    assert [len(a) for a in answers] == [10, 10, 5]
    np.testing.assert_array_equal(np.concatenate(answers), np.arange(25) * 2.0)


def test_data_is_read_no_earlier_than_needed(client: Client) -> None:
    read: list[int] = []

    def endless() -> Iterator[pd.DataFrame]:
        while True:
            read.append(1)
            yield table(5)

    answers = client.model("double").map("predict", endless(), concurrency=2)
    for _ in range(3):
        next(answers)
    assert len(read) <= 5
    answers.close()


def test_bad_rows_are_told_by_their_place_in_all_the_data(client: Client) -> None:
    records: list[Any] = [{"a": float(n), "b": 0.0} for n in range(100)]
    records[57]["a"] = "many"
    with pytest.raises(SchemaMismatch, match="row 57: ") as refused:
        list(client.model("double").map("predict", records, batch_rows=10))
    assert refused.value.details["row"] == 57
    assert refused.value.details["rows"] == [50, 60]


def test_awaited_map_answers_in_order_too(url: str) -> None:
    async def ask() -> list[Any]:
        async with AsyncClient(url) as client:
            answers = client.model("double").map("predict", table(1000), batch_rows=100)
            return [answer async for answer in answers]

    np.testing.assert_array_equal(np.concatenate(asyncio.run(ask())), np.arange(1000) * 2.0)


def test_what_takes_no_records_is_not_cut(client: Client) -> None:
    with pytest.raises(InvalidInput, match="no records"):
        client.model("jobs").map("slow", [1.0])
    with pytest.raises(InvalidInput, match="at least 1"):
        client.model("double").map("predict", table(3), batch_rows=0)


# -- streams


def test_a_method_that_yields_is_an_iterator_here_too(client: Client) -> None:
    words = client.model("words")
    assert list(words.count(3)) == ["é0", "é1", "é2"]
    assert words.call("count", [3]) == ["é0", "é1", "é2"]
    assert list(words.count(0)) == []


def test_awaited_streams(url: str) -> None:
    async def ask() -> list[str]:
        async with AsyncClient(url) as client:
            return [word async for word in client.model("words").count(40)]

    assert asyncio.run(ask()) == [f"é{n}" for n in range(40)]


def test_who_stops_reading_ends_the_work(client: Client) -> None:
    WORDS.closed.clear()
    words = client.model("words").count(10_000_000)
    assert next(words) == "é0"
    words.close()
    assert WORDS.closed.wait(30)


def test_a_stream_that_fails_gives_what_there_was_first(client: Client) -> None:
    items = client.model("words").breaks(2)
    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(ModelFailed, match="OSError"):
        next(items)


def test_a_stream_that_is_cut_off_is_not_taken_for_a_whole_one(url: str) -> None:
    port = int(url.rpartition(":")[2])
    with Proxy(port) as proxy, Client(f"http://127.0.0.1:{proxy.port}") as client:
        items = client.model("words").count(10_000_000)
        next(items)
        proxy.drop_answers(1)  # of what comes now nothing arrives any more
        with pytest.raises(Unreachable, match="broke off"):
            for _ in items:
                pass


def test_what_does_not_yield_is_no_stream(client: Client) -> None:
    with pytest.raises(InvalidInput, match="as a whole"):
        client.model("double").stream("predict", table(3))


# -- jobs


def test_a_job_is_waited_for_and_gives_what_the_method_gives(client: Client) -> None:
    OPEN.clear()
    job = client.model("jobs").submit("slow", 2.0)
    assert not job.finished
    with pytest.raises(NotReady, match="still"):
        job.wait(0.05)
    OPEN.set()
    assert job.result(60) == 3.0
    assert (job.status, job.finished) == ("done", True)


def test_a_job_may_be_cancelled(client: Client) -> None:
    OPEN.clear()
    first, second = (client.model("jobs").submit("slow", x) for x in (1.0, 2.0))
    assert second.cancel().refresh().status == "cancelled"
    OPEN.set()
    assert first.wait(60).status == "done"
    with pytest.raises(Exception, match="cancelled"):
        second.result()


def test_a_job_that_fails_raises_what_the_method_would(client: Client) -> None:
    with pytest.raises(ModelFailed, match="OSError"):
        client.model("jobs").submit("fails", 1.0).result(60)


def test_awaited_jobs(url: str) -> None:
    async def ask() -> float:
        async with AsyncClient(url) as client:
            job = await client.model("jobs").submit("slow", 4.0)
            return await job.result(60)

    OPEN.set()
    assert asyncio.run(ask()) == 5.0
