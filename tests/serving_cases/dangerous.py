"""Models that take their process with them when they are asked for it; opened by name, in a process of their own."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from modelyard.base.errors import NotFound
from modelyard.objects.card import Card, FormatInfo
from modelyard.objects.model import Model
from modelyard.types.signatures import infer_signature

# Libraries are imported where they are used: these models are started again often.

SEGFAULT, EXIT, HANG, EAT, RAISE = -1.0, -2.0, -3.0, -4.0, -5.0
"""What to ask for."""


def obey(x: float) -> float:
    """Twice the number, or the end."""
    if x == SEGFAULT:
        ctypes.string_at(0)
    if x == EXIT:
        os._exit(3)
    while x == HANG:
        time.sleep(1)
    if x == EAT:
        eaten: list[bytearray] = []
        while True:
            eaten.append(bytearray(1 << 24))
    if x == RAISE:
        raise ArithmeticError("told to")
    return 2 * x


def function() -> Model:
    """A function, whose requests run one by one."""
    return _model(obey)


def _model(function: Callable[..., Any]) -> Model:
    methods = {"predict": infer_signature(function, 1.0, run=False)[0]}
    card = Card(flavor="callable", format=FormatInfo("cloudpickle", 2), methods=methods)
    return Model(card, None, {"predict": function}, name="obey")


def table() -> Model:
    """A model of a table, whose requests are joined."""
    import numpy as np

    from serving_cases.models import table_model

    def predict(X: Any) -> Any:
        return np.array([obey(x) for x in X["length"]])

    return table_model(predict)


def flowers() -> Model:
    from serving_cases.models import iris

    return iris()


def absent() -> Model:
    raise NotFound("no model named 'chrun'", hint="did you mean 'churn'?", choices=["churn"])


def dies_while_it_loads() -> Model:
    os._exit(7)


def answers_with_a_lock() -> Model:
    """What it answers cannot leave its process."""
    return _model(lambda x: threading.Lock())


def counts_up() -> Model:
    """A generator method: counts from 0 up to a number, which may be one of the dangerous ones."""

    def predict(x: float) -> Iterator[float]:
        yield 0.0
        obey(x)
        n = 0.0
        while n < x:
            n += 1
            yield n

    return _model(predict)
