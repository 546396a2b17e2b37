"""Generators as models: saved, loaded, applied."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import modelyard as my


def words(text: str, *, upper: bool = False) -> Iterator[str]:
    for word in text.split():
        yield word.upper() if upper else word


class Counter:
    def __init__(self, step: int) -> None:
        self.step = step

    def generate(self, start: int) -> Iterator[dict[str, int]]:
        for i in itertools.count(start, self.step):
            yield {"n": i}

    async def predict(self, n: int) -> Any:
        for i in range(n):
            yield i * self.step


def returned(card: my.Card, method: str) -> Any:
    returns = card.methods[method].returns
    return returns and returns.to_dict()


def test_the_card_says_stream_and_the_loaded_one_is_a_generator_again(tmp_path: Path) -> None:
    card = my.save(words, tmp_path / "words", sample_data="a b")
    assert returned(card, "predict") == {"type": "stream", "items": "string"}
    assert "type: stream" in (tmp_path / "words.yard.yaml").read_text()
    loaded = my.load(tmp_path / "words")
    assert list(loaded("c d")) == ["c", "d"]
    assert my.load_card(tmp_path / "words").methods["predict"] == card.methods["predict"]


def test_apply_gives_the_list(tmp_path: Path) -> None:
    my.save(words, tmp_path / "words", sample_data="a b")
    assert my.apply(tmp_path / "words", "c d") == ["c", "d"]
    assert my.apply(tmp_path / "words", "c d", options={"upper": True}) == ["C", "D"]
    out = my.apply(tmp_path / "words", "c d", output=tmp_path / "out.jsonl")
    assert out.read_text().splitlines() == ['{"predict":"c"}', '{"predict":"d"}']


def test_an_object_may_stream_in_several_methods_asynchronously_too(tmp_path: Path) -> None:
    card = my.save(Counter(2), tmp_path / "counter", sample_data=3)
    spelled = {name: returned(card, name) for name in card.methods}
    assert spelled == {
        "predict": {"type": "stream", "items": "integer"},
        "generate": {"type": "stream", "items": {"type": "dict", "keys": "string", "values": "integer"}},
    }  # fmt: skip
    assert my.apply(tmp_path / "counter", 3) == [0, 2, 4]


def test_steps_go_around_a_stream(tmp_path: Path) -> None:
    def shout(found: Iterator[str]) -> Iterator[str]:
        return (word + "!" for word in found)

    card = my.save(words, tmp_path / "loud", sample_data="a b", postprocess=shout)
    assert returned(card, "predict") == {"type": "stream", "items": "string"}
    assert my.apply(tmp_path / "loud", "c d") == ["c!", "d!"]


def test_a_model_of_a_safe_format_is_compared_by_the_beginning_of_its_stream(
    tmp_path: Path,
) -> None:
    sklearn = pytest.importorskip("sklearn.linear_model")

    class Streaming(sklearn.LinearRegression):  # type: ignore[misc]
        def staged(self, X: Any) -> Iterator[float]:
            yield from self.predict(X).tolist()

    model = Streaming().fit([[1.0], [2.0]], [1.0, 2.0])
    card = my.save(model, tmp_path / "staged", sample_data=[[3.0], [4.0]], methods=["staged"])
    assert returned(card, "staged") == {"type": "stream", "items": "number"}
