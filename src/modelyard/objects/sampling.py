"""The sample a card keeps for docs, examples and smoke tests: a few rows, small, in JSON form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from typing import Any

from modelyard.base.errors import ModelyardError
from modelyard.types.interface import DataType
from modelyard.types.schema import Signature
from modelyard.types.wrapped import WrappedType

MAX_ROWS = 5
MAX_BYTES = 8_000


def sample_for_card(
    arguments: Mapping[str, Any], signature: Signature, rows: int = MAX_ROWS
) -> Any:
    """JSON form of the first rows of the sample: the bare value when one argument is required, else a mapping.

    None when it cannot be said in JSON, or is too large even with one row.
    """
    if rows <= 0:
        return None
    if sum(map(_cells, _heads(arguments, signature, 1).values())) * 2 > MAX_BYTES:
        return None  # a cell takes two characters at least: no need to spell gigabytes
    for count in range(rows, 0, -1):
        try:
            spelled = {
                name: signature.args[name].type.encode(value)
                for name, value in _heads(arguments, signature, count).items()
            }
            size = len(json.dumps(spelled, allow_nan=False))
        except (ModelyardError, TypeError, ValueError):
            return None
        if size <= MAX_BYTES:
            return next(iter(spelled.values()), None) if is_bare(signature) else spelled or None
    return None


def is_bare(signature: Signature) -> bool:
    """Whether a sample or request of this method may be its one argument's value itself."""
    return len(required_arguments(signature)) == 1


def required_arguments(signature: Signature) -> list[str]:
    """Names of the arguments that have no default; the first one when all have."""
    required = [name for name, argument in signature.args.items() if argument.required]
    return required or list(signature.args)[:1]


def sample_arguments(sample: Any, signature: Signature) -> dict[str, Any]:
    """A card's sample as JSON values by argument name."""
    if sample is None:
        return {}
    if is_bare(signature):
        return {required_arguments(signature)[0]: sample}
    return dict(sample)


def _cells(value: Any) -> int:
    """How many numbers or texts a value holds at least."""
    if hasattr(value, "shape"):
        return prod(value.shape)
    if isinstance(value, Mapping):
        return sum(map(_cells, value.values()))
    return len(value) if isinstance(value, list | tuple) else 1


def _heads(arguments: Mapping[str, Any], signature: Signature, count: int) -> dict[str, Any]:
    return {
        name: _head(value, count, signature.args[name].type)
        for name, value in arguments.items()
        if name in signature.args
    }


def _head(value: Any, count: int, kind: DataType) -> Any:
    if isinstance(kind, WrappedType):
        return kind.head(value, count)
    if hasattr(value, "iloc"):
        return value.iloc[:count]
    if hasattr(value, "shape") and getattr(value, "ndim", 0) >= 1:
        return value[:count]
    return value[:count] if isinstance(value, list) else value
