"""Answers that come piece by piece: how they are described, and read."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from modelyard import types
from modelyard.base.errors import ModelFailed, SchemaMismatch
from modelyard.types.schema import MISSING
from modelyard.types.signatures import infer_signature
from modelyard.types.stream import StreamType, beginning, iterate, whole


def words(text: str) -> Iterator[str]:
    yield from text.split()


async def later(n: int) -> AsyncIterator[dict[str, Any]]:
    for i in range(n):
        await asyncio.sleep(0)
        yield {"i": i}


class Counter:
    def generate(self, start: int):  # type: ignore[no-untyped-def]  # nothing is stated, on purpose
        yield from itertools.count(start)


def returned(function: Any, sample: Any = MISSING, run: bool = True) -> Any:
    returns = infer_signature(function, sample, run=run)[0].returns
    return returns and returns.to_dict()


@pytest.mark.parametrize("run", [True, False])
def test_a_generator_is_a_stream_of_what_its_hint_or_its_items_say(run: bool) -> None:
    assert returned(words, "a b", run=run) == {"type": "stream", "items": "string"}
    known = {"type": "dict", "keys": "string", "values": "integer" if run else "any"}
    assert returned(later, 3, run=run) == {"type": "stream", "items": known}


def test_one_that_never_ends_is_run_for_a_few_items() -> None:
    signature, items = infer_signature(Counter().generate, 5)
    assert signature.returns == StreamType(types.parse("integer"))
    assert items == [5, 6, 7, 8, 9, 10, 11, 12]


def test_without_a_hint_and_a_run_a_generator_is_still_known_for_one() -> None:
    assert returned(Counter().generate, run=False) == {"type": "stream", "items": "any"}


def test_a_list_where_an_iterator_was_promised_fits() -> None:
    def lines(n: int) -> Iterator[int]:
        return [1, 2][:n]  # type: ignore[return-value]

    assert returned(lines, 1) == {"type": "stream", "items": "integer"}


def test_a_generator_that_fails_fails_on_the_sample() -> None:
    def fails(n: int) -> Iterator[int]:
        yield n
        raise RuntimeError("no more")

    with pytest.raises(ModelFailed, match="'fails' raised RuntimeError on the sample: no more"):
        infer_signature(fails, 1)


def test_as_a_whole_it_is_a_list_checked_item_by_item() -> None:
    kind = types.parse({"type": "stream", "items": "integer"})
    assert kind.encode(i for i in (1, 2)) == [1, 2]
    assert kind.decode([1, 2.0]) == [1, 2]
    assert kind.rows([1, 2]) is None
    assert kind.json_schema()["type"] == "array"
    with pytest.raises(SchemaMismatch, match=r"x\[1\]: expected an integer"):
        kind.check(iter([1, "2"]), "x")


def test_what_is_not_read_to_its_end_is_closed() -> None:
    ended: list[str] = []

    def endless(name: str) -> Iterator[int]:
        try:
            yield from itertools.count()
        finally:
            ended.append(name)

    async def too() -> AsyncIterator[int]:
        try:
            for i in itertools.count():
                yield i
        finally:
            await asyncio.sleep(0)
            ended.append("asynchronous")

    assert beginning(endless("plain"), 2) == [0, 1]
    assert beginning(too(), 2) == [0, 1]
    assert ended == ["plain", "asynchronous"]


def test_an_asynchronous_one_is_read_inside_of_a_running_loop_too() -> None:
    async def notebook() -> Any:
        return whole(later(2))

    assert asyncio.run(notebook()) == [{"i": 0}, {"i": 1}]
    assert list(iterate(later(2))) == [{"i": 0}, {"i": 1}]


def test_lists_texts_and_open_files_are_no_streams(tmp_path: Any) -> None:
    assert whole([1]) == [1]
    assert whole("ab") == "ab"
    with (tmp_path / "a").open("w") as file:
        assert whole(file) is file
