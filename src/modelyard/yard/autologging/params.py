"""Params as a run keeps them: scalars and short texts as they are, and no megabytes of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LONGEST = 6000
"""Characters of a value."""
MOST = 2000
"""Params of one training; beyond them only their number is told."""


def plain_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Params that a run can keep.

    >>> plain_params({"depth": 3, "metric": None, "names": ["a"], "kind": int})
    {'depth': 3, 'metric': None, 'names': "['a']", 'kind': 'int'}
    """
    found = {_key(k): _value(v) for k, v in list(params.items())[:MOST]}
    if len(params) > MOST:
        found["params_not_logged"] = len(params) - MOST
    return found


def _key(key: Any) -> str:
    """Keys have at most 250 characters, and a prefix may come."""
    text = str(key)
    return text if len(text) <= 200 else text[:199] + "…"


def _value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return _cut(value)
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and _count(shape) > 50:
        return f"{type(value).__name__} of shape {shape}"
    if isinstance(value, list | tuple | set | frozenset | dict) and len(value) > 500:
        return f"{type(value).__name__} of {len(value)} items"
    if isinstance(value, type) or (callable(value) and hasattr(value, "__name__")):
        return str(value.__name__)
    return _cut(str(value))


def _count(shape: tuple[Any, ...]) -> int:
    count = 1
    for side in shape:
        count *= side if isinstance(side, int) else 1
    return count


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
