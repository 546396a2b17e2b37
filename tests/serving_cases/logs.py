"""Prediction logs that behave badly on purpose."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

from modelyard.predictions.interface import Prediction, PredictionQuery


class FaultyLog:
    """Keeps predictions in a list. ``fails`` times it raises first; while ``open`` is not set it hangs."""

    def __init__(self, *, fails: int = 0, hangs: bool = False) -> None:
        self.kept: list[Prediction] = []
        self.batches: list[int] = []
        self.entered = threading.Event()
        self.open = threading.Event()
        self.fails = fails
        if not hangs:
            self.open.set()

    def record(self, predictions: Sequence[Prediction]) -> None:
        self.entered.set()
        self.open.wait()
        if self.fails:
            self.fails -= 1
            raise OSError("the disk is on fire")
        self.kept += predictions
        self.batches.append(len(predictions))

    def list(self, query: PredictionQuery) -> Iterator[Prediction]:
        return iter(self.kept)

    def count(self, query: PredictionQuery) -> int:
        return len(self.kept)

    def feedback(self, reference_id: str, actual: Any) -> int:
        return 0

    def erase(self, query: PredictionQuery) -> int:
        return 0
