"""The models that `testing.protocols` has served: made by hand, one for each thing a protocol must carry."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from modelyard import types
from modelyard.objects.card import Card, FormatInfo
from modelyard.objects.model import Model
from modelyard.types.schema import Argument, Signature
from modelyard.types.signatures import infer_signature

SECRET = "tiger-5e1c"
"""What the model that raises says; no client may ever see it."""
NUMBERS = [[0.5, -1.0, 2.0], [3.0, 4.25, 5.5], [1e300, 5e-324, -0.0]]
FLOWERS = [{"length": 1.25, "width": 0.5}, {"length": 6.5, "width": 2.25}]
CUSTOMERS = [
    {"age": 41, "income": 10.5, "town": "Zürich", "new": True},
    {"age": 2**53 + 1, "income": None, "town": "", "new": False},
]


@dataclass
class Gate:
    """Where a model waits for leave to answer, so that others find it busy."""

    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    leave: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def __call__(self, x: float) -> float:
        self.entered.release()
        assert self.leave.acquire(timeout=60), "nobody let the model go on"
        return x


def models(gate: Gate) -> list[Model]:
    """All of them. ``busy`` is the one behind the gate."""
    return [
        _flowers(),
        _of_values("customers", predict=(_describe, _customers())),
        _of_values("gaps", predict=(_gaps, _frame(FLOWERS))),
        _of_values("numbers", predict=(_sums, _array(NUMBERS)), double=(_double, _array(NUMBERS))),
        _of_values("counts", predict=(_next, _array([1, 2]))),
        _of_values("texts", predict=(_shout, ["a", "b"])),
        _of_hints("scale", _scale),
        _of_hints("broken", _broken),
        _of_hints("busy", gate),
    ]


def _flowers() -> Model:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    rows = [{"length": n / 4, "width": (n % 7) / 3} for n in range(4, 30)]
    X = _frame(rows)
    fitted = LogisticRegression().fit(X, (X["length"] > 4).to_numpy().astype(np.int64))
    return _of_values(
        "flowers", predict=(fitted.predict, X), predict_proba=(fitted.predict_proba, X)
    )


def _of_values(name: str, **methods: tuple[Callable[..., Any], Any]) -> Model:
    """Each method is a function of one argument, ``X``, and a value that it takes."""
    signatures = {
        method: Signature({"X": Argument(types.infer(value))}, types.infer(function(value)))
        for method, (function, value) in methods.items()
    }
    functions = {method: function for method, (function, _) in methods.items()}
    card = Card(flavor="sklearn", format=FormatInfo("skops", 1), methods=signatures)
    return Model(card, None, functions, name=name)


def _of_hints(name: str, function: Callable[..., Any]) -> Model:
    signature, _ = infer_signature(function, 1.0, run=False)
    form = FormatInfo("cloudpickle", 2)
    card = Card(flavor="callable", format=form, methods={"predict": signature})
    return Model(card, None, {"predict": function}, name=name)


def _frame(records: list[dict[str, Any]]) -> Any:
    import pandas as pd

    return pd.DataFrame(records)


def _customers() -> Any:
    return _frame(CUSTOMERS).astype({"town": object})


def _array(values: Any) -> Any:
    import numpy as np

    return np.array(values)


def _describe(X: Any) -> Any:
    income = X["income"].where(X["income"].notna(), -1.0)
    return X.assign(income=income, age=X["age"] + 1)[["age", "income", "town", "new"]]


def _gaps(X: Any) -> Any:
    return X.isna().sum(axis=1).to_numpy()


def _sums(X: Any) -> Any:
    return X.sum(axis=1)


def _double(X: Any) -> Any:
    return X * 2


def _next(X: Any) -> Any:
    return X + 1


def _shout(X: list[str]) -> list[str]:
    return [text.upper() + "!" for text in X]


def _scale(x: float, by: float = 2.0, label: str = "") -> str:
    return f"{label}{x * by}"


def _broken(x: float) -> float:
    raise RuntimeError(SECRET)
