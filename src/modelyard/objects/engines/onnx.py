"""Models compiled: a method as a graph of ONNX that onnxruntime runs, once it is proven to answer as the model does.

`compile_model` converts each method whose answer to a row is that row's alone, and proves it: on the card's sample, on 10,000
generated rows and one row at a time (``_onnx.proving`` says how near answers must be). What cannot be converted or proven
stays with the model, with a reason in a line. Whatever lies beyond what was proven (larger numbers, missing values where the
model does not take them, other scripts where only ASCII agrees) the call refuses, and the model itself answers.
"""

from __future__ import annotations

import importlib.util
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from modelyard.base.errors import InvalidInput, MissingExtra, ModelyardError, UnsupportedType
from modelyard.objects.engines.interface import Engine
from modelyard.objects.model import Model

NAME = "onnx"
MODES = ("auto", "off")

METHODS: Mapping[str, frozenset[str]] = {
    "sklearn": frozenset(("predict", "predict_proba", "decision_function", "transform")),
    "xgboost": frozenset(("predict", "predict_proba")),
    "lightgbm": frozenset(("predict", "predict_proba")),
    "catboost": frozenset(("predict", "predict_proba")),
    "torch": frozenset(("__call__", "forward", "predict")),
    "keras": frozenset(("__call__", "predict")),
}
"""Flavor -> methods whose answer to a row is that row's alone, as far as graphs have them."""


@dataclass(frozen=True)
class Compiled:
    """What came of it: an engine or a reason for each method."""

    engines: Mapping[str, Engine] = field(default_factory=dict[str, Engine])
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])

    def lines(self, name: str) -> list[str]:
        """What to tell people: a line for what is compiled, and one a reason."""
        told = [f"{name}: {', '.join(self.engines)} compiled by onnx"] if self.engines else []
        by_reason: dict[str, list[str]] = {}
        for method, reason in self.reasons.items():
            by_reason.setdefault(reason, []).append(method)
        return told + [f"{name}: {', '.join(m)} not compiled: {r}" for r, m in by_reason.items()]


def check_mode(mode: str) -> None:
    """`InvalidInput` for a word that is none of ours."""
    if mode not in MODES:
        raise InvalidInput(f"compile={mode!r} is none of {', '.join(map(repr, MODES))}")


def compile_model(
    model: Model,
    *,
    mode: str = "auto",
    methods: Sequence[str] | None = None,
    threads: int = 1,
    stop: threading.Event | None = None,
) -> Compiled:
    """Engines for a model's methods, or for those named; never raises for what cannot be compiled.

    ``threads`` are those of one call; one is the quickest for single rows. ``stop`` ends it early, with no engine.
    """
    check_mode(mode)
    wanted = list(methods or model.methods)
    if mode == "off":
        return Compiled()
    try:
        _require_plain(model)
        from modelyard.objects.engines._onnx.compiling import Compiling

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # converters talk about versions of each other
            return Compiled(*Compiling(model, threads, stop).of(wanted, METHODS[model.card.flavor]))
    except MissingExtra as error:
        return Compiled({}, dict.fromkeys(wanted, f"{error.message}; {error.hint}"))
    except Exception as error:  # noqa: BLE001  converters and runtimes raise anything
        return Compiled({}, dict.fromkeys(wanted, _line(error)))


def with_engines(model: Model, compiled: Compiled) -> Model:
    """The model with its compiled methods in the place of its own, which answer what engines refuse."""
    faster = {
        name: partial(_answer, engine, model.functions[name], model.signature(name).args[engine.argument].type)
        for name, engine in compiled.engines.items()
    }  # fmt: skip
    return replace(model, functions={**model.functions, **faster})


def _answer(engine: Engine, own: Callable[..., Any], kind: Any, **arguments: Any) -> Any:
    if set(arguments) == {engine.argument}:
        try:
            return engine.call(engine.form.fit(arguments[engine.argument]))
        except Exception:  # noqa: BLE001  the model itself answers, or says what is wrong
            pass
    return own(**arguments)


def _require_plain(model: Model) -> None:
    """`UnsupportedType` for what has code of somebody's own around or inside it."""
    card = model.card
    if card.steps:
        raise UnsupportedType(f"it has steps of its own ({', '.join(card.steps)})")
    if card.flavor not in METHODS:
        raise UnsupportedType(f"{card.flavor} models are not converted")
    if importlib.util.find_spec("onnxruntime") is None or importlib.util.find_spec("onnx") is None:
        raise MissingExtra("compiling models", "onnx", missing="onnxruntime")


def _line(error: Exception) -> str:
    text = error.message if isinstance(error, ModelyardError) else str(error)
    return (text.strip() or type(error).__name__).splitlines()[0][:300]
