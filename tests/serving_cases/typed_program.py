"""A server of models of every kind of data, as its own process: ``python typed_program.py``. Prints its URL when it is up."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd
from PIL import Image

from modelyard import types
from modelyard.objects.card import Card, FormatInfo
from modelyard.objects.model import Model
from modelyard.serving.interface import Running
from modelyard.serving.servers.fastapi import serve
from modelyard.types.schema import Argument, Signature
from serving_cases.models import function_model, iris, table_model

HOUSES = pd.DataFrame(
    {
        "rooms": [3, 5],
        "area": [61.5, None],
        "kind": pd.Categorical(["flat", "house"], categories=["flat", "house", "hut"]),
        "garden": [False, True],
        "seen": pd.to_datetime(["2026-01-05", "2026-02-07"]),
        "street": ["Am Hang", ""],
    }
)


def price(X: pd.DataFrame) -> np.ndarray:
    """A regression that stands any row, also one with huge numbers."""
    rooms = np.clip(X["rooms"].to_numpy("float64"), -100, 100)
    area = np.clip(X["area"].fillna(0.0).to_numpy("float64"), -1e6, 1e6)
    return 1000.0 * rooms + 12.5 * area + 50.0 * X["garden"].to_numpy("float64")


def spread(X: np.ndarray) -> np.ndarray:
    return np.tanh(X).sum(axis=1)


def shout(text: str) -> str:
    return text.upper()


def lengths(texts: list[str]) -> list[int]:
    return [len(text) for text in texts]


def label(width: float, height: int, name: str = "box", upper: bool = False) -> dict[str, Any]:
    return {"name": name.upper() if upper else name, "flat": height < width}


def words(text: str) -> Iterator[str]:
    yield from text.split()


def flip(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def size(content: bytes, times: int = 1) -> int:
    return len(content) * min(max(times, 0), 10)


def array_model() -> Model:
    X = np.array([[0.5, 1.0, -2.0], [3.0, 0.0, 1.5]])
    signature = Signature({"X": Argument(types.infer(X))}, types.infer(spread(X)))
    card = Card(
        flavor="sklearn",
        format=FormatInfo("skops", 1),
        methods={"predict": signature},
        sample=types.infer(X).encode(X),
    )
    return Model(card, spread, {"predict": spread}, name="spread")


def of_function(name: str, function: Any, sample: Any, shown: Any) -> Model:
    model = function_model(name, sample, predict=function)
    model.card = model.card.but(sample=shown)
    return model


def picture() -> Image.Image:
    return Image.new("RGB", (2, 2), (255, 0, 0))


def models() -> list[Model]:
    """One of each kind."""
    content = io.BytesIO()
    picture().save(content, "PNG")
    image = types.infer(picture())
    boxes = {"width": 2.5, "height": 4, "name": "crate"}
    return [
        iris(methods=("predict",)),
        table_model(price, "price", sample=HOUSES),
        array_model(),
        of_function("shout", shout, "hello", "hello"),
        of_function("lengths", lengths, ["a", "bc"], ["a", "bc"]),
        of_function("label", label, boxes, boxes),
        of_function("words", words, "one two", "one two"),
        of_function("flip", flip, picture(), image.encode(picture())),
        of_function("size", size, b"abc", types.infer(b"abc").encode(b"abc")),
    ]


def on_ready(running: Running) -> None:
    print(running.url, flush=True)


if __name__ == "__main__":
    serve(models(), port=0, on_ready=on_ready)
