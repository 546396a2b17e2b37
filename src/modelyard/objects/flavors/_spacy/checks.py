"""Weights that compiled code would trust blindly: their shapes are what the layers say they are.

A parser reads its weights through bare pointers, with sizes that come from the file as well; made up ones read and write
beyond their arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.base.errors import Corrupted

_MATRIX = {"W": ("nO", "nI"), "b": ("nO",)}
_SHAPES: dict[str, dict[str, tuple[str | int, ...]]] = {
    "thinc.layers.linear": _MATRIX,
    "thinc.layers.softmax": _MATRIX,
    "thinc.layers.relu": _MATRIX,
    "thinc.layers.mish": _MATRIX,
    "thinc.layers.gelu": _MATRIX,
    "thinc.layers.maxout": {"W": ("nO", "nP", "nI"), "b": ("nO", "nP")},
    "thinc.layers.layernorm": {"G": ("nO",), "b": ("nO",)},
    "thinc.layers.hashembed": {"E": ("nV", "nO")},
    "thinc.layers.parametricattention": {"Q": ("nO",)},
    "thinc.layers.sparselinear": {"W": ("nO x length",), "b": ("nO",)},
    "spacy.ml.staticvectors": {"W": ("nO", "nM")},
    "spacy.ml._character_embed": {"E": ("nC", "nV", "nM")},
    "spacy.ml._precomputable_affine": {
        "W": ("nF", "nO", "nP", "nI"),
        "b": ("nO", "nP"),
        "pad": (1, "nF", "nO", "nP"),
    },
}
"""Where a layer is computed (its name stands in the file) -> its parameters' sizes, by the names of its dimensions."""


def check_pipeline(nlp: Any) -> None:
    """`Corrupted` for a layer whose numbers have another shape than it says, or a parser that fits its moves not."""
    for name, component in nlp.components:
        model = getattr(component, "model", None)
        if model is None or not hasattr(model, "walk"):
            continue
        for node in model.walk():
            for fault in _faults(node):
                raise Corrupted(f"component {name!r}: {fault}")
        if getattr(component, "moves", None) is not None:
            _check_parser(name, model, component.moves)


def _faults(node: Any) -> Iterator[str]:
    if node.shims:
        yield f"a layer of it ({node.name[:40]}) belongs to another library"
    parameters = [p for p in node.param_names if node.has_param(p)]
    kind = node._func.__module__
    if parameters and kind not in _SHAPES:
        yield f"a layer of it ({kind}) is of no kind that is known here"
        return
    for parameter in parameters:
        value = node.get_param(parameter)
        wanted = tuple(_size(node, size) for size in _SHAPES[kind].get(parameter, ()))
        if tuple(value.shape) != wanted or value.dtype != "float32":
            yield f"{parameter} of {kind} is {value.dtype} {tuple(value.shape)}, not {wanted}"


def _size(node: Any, size: str | int) -> int | None:
    if isinstance(size, int):
        return size
    product = 1
    for part in size.split(" x "):
        product *= node.maybe_get_dim(part) or 0
    return product


def _check_parser(name: str, model: Any, moves: Any) -> None:
    lower, upper = model.maybe_get_ref("lower"), model.maybe_get_ref("upper")
    if lower is None:
        raise Corrupted(f"component {name!r}: its model is no parser")
    last = lower
    if upper is not None and upper.has_param("W"):
        last = upper
        if upper.maybe_get_dim("nI") != lower.maybe_get_dim("nO"):
            raise Corrupted(f"component {name!r}: its two layers do not fit each other")
    if lower.has_param("W") and last.maybe_get_dim("nO") != moves.n_moves:
        raise Corrupted(
            f"component {name!r} scores {last.maybe_get_dim('nO')} moves and makes {moves.n_moves}"
        )
