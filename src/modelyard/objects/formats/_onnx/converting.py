"""From a model of another library to a graph that gives the same answers.

Each library has a file here, named like its flavor, with ``attempts(model, value)``: conversions to try in turn, exact
ones first, for a model and the values of its arguments. A flavor of somebody else's has ``to_onnx`` of that form.
The first graph whose answers on the sample are the model's is taken. Which output answers which method is found by that
comparison as well, and noted in the graph, so that the file says it wherever it goes.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelyard.base.errors import InvalidInput, MissingExtra, ModelyardError, UnsupportedType
from modelyard.base.notes import note
from modelyard.objects import flavors
from modelyard.objects.formats._onnx import graph
from modelyard.objects.formats._onnx.model import OnnxModel, Way
from modelyard.objects.interface import Flavor

RELATIVE, ABSOLUTE = 1e-5, 1e-6
"""How far an answer may be from the model's: of its size, and near zero."""

WANTED = frozenset(["predict", "predict_proba", "transform"])
"""Methods for whose sake further conversions are tried."""

SHAPES = ("", "flat", "second", "bool")

Attempts = Callable[..., Iterator[tuple[str, Callable[[], Any]]]]


def converted(obj: Any, sample: Mapping[str, Any]) -> OnnxModel:
    """The graph of a model, compared with it on the sample."""
    graph.onnx()
    if isinstance(obj, OnnxModel):
        return obj
    flavor = flavors.find(obj)
    if flavor.NAME == "onnx":
        return OnnxModel(obj)
    attempts = conversion_of(obj, flavor)
    if not sample:
        raise InvalidInput(
            "a conversion to onnx needs sample_data: it says what the inputs are, and the answers are compared on it"
        )
    values = list(sample.values())
    expected = _answers(flavor.methods(obj), values)
    made = _best(attempts(obj, *values), values, expected, type(obj).__name__)
    if missing := [name for name in expected if name not in made.ways]:
        note(f"the graph has no output for {', '.join(missing)}: the saved model is without")
    methods = {name: [way.output, way.shape] for name, way in made.ways.items()}
    notes = {"methods": methods, "labels": list(flavor.labels(obj))}
    return OnnxModel(graph.annotated(made.proto, notes))


@dataclass(frozen=True)
class _Made:
    """A graph, and which of its outputs is which method's answer."""

    proto: Any
    ways: Mapping[str, Way]


def _best(
    attempts: Iterator[tuple[str, Callable[[], Any]]],
    values: Sequence[Any],
    expected: Mapping[str, Any],
    name: str,
) -> _Made:
    """The first graph that has all the methods people ask for, else the one that has most."""
    reasons: list[str] = []
    found: list[_Made] = []
    for word, make in attempts:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # converters talk about versions of each other
                found.append(_compared(OnnxModel(make()), values, expected))
        except MissingExtra:
            raise
        except _Apart as error:
            reasons.append(f"{word}: {error.message}")
        except Exception as error:  # noqa: BLE001  # whatever a converter says of what it does not know
            reasons.append(f"{word}: {_first_line(error)}")
        if found and WANTED & expected.keys() <= found[-1].ways.keys():
            return found[-1]
    if found:
        return max(found, key=lambda made: len(made.ways))
    raise UnsupportedType(
        f"this {name} cannot be converted to onnx: {'; '.join(dict.fromkeys(reasons))}",
        hint="save it without format=, in the format of its own library",
    )


def conversion_of(obj: Any, flavor: Flavor) -> Attempts:
    """What makes graphs of a flavor's models."""
    own = getattr(flavor, "to_onnx", None)
    if own is not None:
        return own
    module = f"{__package__}.{flavor.NAME}"
    if importlib.util.find_spec(module) is None or flavor.NAME in ("graph", "model", "converting"):
        raise UnsupportedType(
            f"there is no conversion to onnx of {flavor.NAME} models such as this {type(obj).__name__}",
            hint="save it without format=",
        )
    return importlib.import_module(module).attempts


class _Apart(ModelyardError):
    """A graph that answers differently."""


def _answers(methods: Mapping[str, Callable[..., Any]], values: Sequence[Any]) -> dict[str, Any]:
    """What each method says to the sample; those that cannot take it say nothing, but for the default one."""
    found: dict[str, Any] = {}
    for name, method in methods.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                answer = method(*values)
        except Exception as error:
            if not found:
                raise InvalidInput(f"sample_data does not fit: {error}") from error
            continue
        found[name] = answer.toarray() if hasattr(answer, "toarray") else np.asarray(answer)
    return found


def _compared(model: OnnxModel, values: Sequence[Any], expected: Mapping[str, Any]) -> _Made:
    """The graph with the methods it has. `_Apart` when none of its outputs is the default method's answer."""
    if model.table_columns() is None and len(model.inputs) != len(values):
        raise _Apart(f"a graph of {len(model.inputs)} inputs for {len(values)} arguments")
    outputs = model.answer(Way(), values)
    ways = {name: found for name, wanted in expected.items() if (found := way(wanted, outputs))}
    default = next(iter(expected))
    if default not in ways:
        raise _Apart(f"its {default} is {distance(expected[default], outputs)}")
    return _Made(model.proto, ways)


def way(answer: Any, outputs: Mapping[str, Any], shapes: Sequence[str] = SHAPES) -> Way | None:
    """The output, and the shape of it, that is a method's answer."""
    for shape in shapes:
        for name in outputs:
            found = Way(name, shape)
            try:
                taken = found.taken(outputs)
            except (ValueError, IndexError, TypeError):
                continue
            if _equal(answer, taken) and (shape != "bool" or answer.dtype == bool):
                return found
    return None


def _equal(wanted: Any, got: Any) -> bool:
    """Labels exactly, numbers nearly; a label is no number that happens to be near."""
    if wanted.shape != got.shape:
        return False
    if wanted.dtype.kind == "f":
        return got.dtype.kind == "f" and np.allclose(
            wanted, got, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True
        )
    if (wanted.dtype.kind == "b") != (got.dtype.kind == "b") or got.dtype.kind == "f":
        return False
    return bool(np.array_equal(wanted.astype(str), got.astype(str)))


def distance(wanted: Any, outputs: Mapping[str, Any]) -> str:
    """How far the nearest output is, in words."""
    texts: dict[float, str] = {}
    for name in outputs:
        for shape in SHAPES[:3]:
            with contextlib.suppress(ValueError, IndexError, TypeError):
                got = Way(name, shape).taken(outputs)
                if got.shape != wanted.shape or (got.dtype.kind == "f") != (
                    wanted.dtype.kind == "f"
                ):
                    continue
                if wanted.dtype.kind == "f":
                    apart = float(np.max(np.abs(got - wanted), initial=0))
                    texts[apart] = f"up to {apart:.3g} apart from the model's"
                else:
                    others = int(np.sum(wanted.astype(str) != got.astype(str)))
                    texts[others] = f"another one for {others} of {len(wanted)} rows of the sample"
    return texts[min(texts)] if texts else "not among its outputs"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
