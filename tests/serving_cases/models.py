"""Small models made by hand: what serving needs of a model, without saving and loading one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from modelyard import types
from modelyard.objects.card import Card, FormatInfo
from modelyard.objects.model import Model
from modelyard.types.schema import Argument, Signature
from modelyard.types.signatures import infer_signature

COLUMNS = ["length", "width"]


@lru_cache(maxsize=1)
def frame() -> pd.DataFrame:
    """Forty flowers of two columns and two kinds."""
    rng = np.random.default_rng(7)
    length = np.round(rng.uniform(1, 7, 40), 2)
    return pd.DataFrame(
        {"length": length, "width": np.round(length / 3 + rng.uniform(0, 1, 40), 2)}
    )


def records(rows: int = 2) -> list[dict[str, Any]]:
    """The first of them as JSON."""
    return frame().head(rows).to_dict("records")


@lru_cache(maxsize=1)
def classifier() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    y = (frame()["length"] > 4).astype(int)
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(frame(), y)


def iris(name: str = "iris", methods: tuple[str, ...] = ("predict", "predict_proba")) -> Model:
    """A pipeline on a table, as `load` gives it."""
    X, model = frame(), classifier()
    table = types.infer(X)
    signatures = {
        m: Signature({"X": Argument(table)}, types.infer(getattr(model, m)(X))) for m in methods
    }
    card = Card(
        flavor="sklearn",
        format=FormatInfo("skops", 1),
        methods=signatures,
        sample=table.encode(X.head(2)),
        description="Flowers by their petals.",
    )
    return Model(card, model, {m: getattr(model, m) for m in methods}, name=name)


def table_model(
    function: Callable[[pd.DataFrame], Any],
    name: str = "tables",
    *,
    sample: pd.DataFrame | None = None,
) -> Model:
    """A function of a table that claims to be one of scikit-learn's, so that its requests are joined."""
    X = frame() if sample is None else sample
    signature = Signature({"X": Argument(types.infer(X))}, types.infer(function(X)))
    card = Card(
        flavor="sklearn",
        format=FormatInfo("skops", 1),
        methods={"predict": signature},
        sample=types.infer(X).encode(X.head(2)),
    )
    return Model(card, function, {"predict": function}, name=name)


def function_model(name: str, sample: Any, **functions: Callable[..., Any]) -> Model:
    """Plain functions; the schema comes from their hints and the sample."""
    signatures = {m: infer_signature(f, sample, run=False)[0] for m, f in functions.items()}
    card = Card(
        flavor="callable", format=FormatInfo("cloudpickle", 2), methods=signatures, sample=None
    )
    return Model(card, None, functions, name=name)


@dataclass
class Gate:
    """A model that tells what it was called with and waits for leave to answer."""

    calls: list[list[float]] = field(default_factory=list)
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    leave: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def __call__(self, X: pd.DataFrame) -> np.ndarray:
        self.calls.append(X["length"].tolist())
        self.entered.release()
        assert self.leave.acquire(timeout=60), "nobody let the model go on"
        return X["length"].to_numpy()


def gated(name: str = "gated") -> tuple[Model, Gate]:
    """A model behind a gate; its answer is the column ``length``."""
    gate = Gate()
    signature = Signature(
        {"X": Argument(types.infer(frame()))}, types.infer(frame()["length"].to_numpy())
    )
    card = Card(flavor="sklearn", format=FormatInfo("skops", 1), methods={"predict": signature})
    return Model(card, gate, {"predict": gate}, name=name), gate
