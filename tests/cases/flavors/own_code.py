"""What a user's own module holds: functions and classes of models, and no library that a test needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

LIMIT = 2


def over_limit(values: Sequence[float], limit: float = LIMIT) -> list[bool]:
    return [v > limit for v in values]


class Rule:
    """Called itself."""

    def __init__(self, limit: float) -> None:
        self.limit = limit

    def __call__(self, values: Sequence[float]) -> list[bool]:
        return over_limit(values, self.limit)

    def explain(self, values: Sequence[float]) -> str:
        return f"{values} over {self.limit}"


class Mean:
    """With methods of a model's names."""

    def __init__(self, mean: float) -> None:
        self.mean = mean

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.mean)

    def transform(self, X: Any) -> Any:
        return np.asarray(X) - self.mean

    def fit(self, X: Any) -> Mean:
        return self


class Broken:
    """A property that fails is no method."""

    @property
    def predict(self) -> Any:
        raise RuntimeError("not today")

    def transform(self, X: Any) -> Any:
        return X


class Sentiment:
    """Set up from a file of its own."""

    def __init__(self, words: str) -> None:
        self.files = {"words": words}

    def setup(self, files: Mapping[str, Path]) -> None:
        self.words = set(files["words"].read_text().split())

    def predict(self, texts: list[str]) -> list[bool]:
        return [bool(self.words & set(text.split())) for text in texts]


def mean_of(*models: Any) -> Any:
    """A function that holds models."""

    def mean(X: Any) -> Any:
        return sum(model.predict(X) for model in models) / len(models)

    return mean
