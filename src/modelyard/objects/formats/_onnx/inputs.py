"""What the inputs of a graph are, told from a sample: one matrix, or one input a column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Layout:
    """Inputs by name with their dtype and width; a width of None is a column of a table."""

    word: str
    ports: tuple[tuple[str, str, int], ...]


def layouts(value: Any, *, narrow: bool = False) -> Iterator[Layout]:
    """Ways to read a sample: in the precision of the data, then in float32; ``narrow`` turns this around, for models
    that round their rows themselves."""
    if hasattr(value, "columns") and hasattr(value, "dtypes"):
        kinds = {str(name): _kind(value[name]) for name in value.columns}
        plain = set(kinds.values()) <= {"float64", "float32", "int64"}
        for wide in _precisions(set(kinds.values()), narrow):
            if plain:
                yield Layout(f"as one matrix of {wide}", (("X", wide, len(kinds)),))
        for wide in _precisions(set(kinds.values()), narrow):
            ports = tuple((n, wide if k.startswith("float") else k, 1) for n, k in kinds.items())
            yield Layout(f"by columns in {wide}", ports)
        return
    array = value.toarray() if hasattr(value, "toarray") else np.asarray(value)
    kind = _kind(array)
    width = 1 if array.ndim == 1 else array.shape[1]
    if kind in ("str", "bool"):
        yield Layout(f"in {kind}", (("X", kind, width),))
        return
    for wide in _precisions({kind}, narrow):
        yield Layout(f"in {wide}", (("X", wide, width),))


def _precisions(kinds: set[str], narrow: bool) -> list[str]:
    if kinds == {"float32"}:
        return ["float32"]
    return ["float32", "float64"] if narrow else ["float64", "float32"]


def _kind(values: Any) -> str:
    """One of float64, float32, int64, bool, str."""
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        return "int64"
    if array.dtype.kind == "b":
        return "bool"
    if array.dtype.kind == "f":
        return "float32" if array.dtype == np.float32 else "float64"
    return "str"
