"""What is proven, and the guard that keeps to it: whatever is not, the model itself answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelyard.objects.engines._onnx.feeding import Feed

MAX_WHOLE = 1 << 53
"""Whole numbers beyond it are not all told apart in float64."""


@dataclass(frozen=True)
class Domain:
    """Rows of these are generated for the proof; others are left to the model."""

    limit: float = 1e30
    """The greatest size of a number."""
    missing: bool = False
    """NaN among the numbers."""
    unseen: bool = True
    """Texts that no category is."""
    ascii: bool = False
    """Texts of ASCII alone."""
    whole: tuple[int, int] | None = None
    """The least and the greatest whole number; of an array that may be places in a table of a network."""

    def guard(self, feed: Feed) -> Callable[[Any], bool]:
        """Whether all of a value is within."""
        match feed.kind:
            case "matrix" | "array":
                return self._numbers(feed.dtype)
            case "values":
                return self._texts
        texts, each = feed.texts, {}
        for name, column in zip(feed.names, feed.columns, strict=True):
            if column.parsed.family == "float":
                each[str(name)] = self._numbers(column.dtype)

        def within(columns: Any) -> bool:
            return all(known(columns[n]) for n, known in each.items()) and all(
                self._texts(columns[n]) for n in texts
            )

        return within

    def _numbers(self, dtype: str) -> Callable[[Any], bool]:
        limit = self.limit
        if np.dtype(dtype).kind == "b":
            return lambda value: True
        if np.dtype(dtype).kind in "iu" and self.whole is not None:
            low, high = self.whole
            return lambda value: bool(low <= value.min() and value.max() <= high)
        if np.dtype(dtype).kind in "iu":
            return lambda value: not (np.abs(value) > MAX_WHOLE).any()
        largest = np.fmax.reduce if self.missing else np.maximum.reduce
        if self.missing:
            return lambda value: not largest(np.abs(value.reshape(-1))) > limit
        return lambda value: bool(largest(np.abs(value.reshape(-1))) <= limit)  # no NaN is

    def _texts(self, values: Any) -> bool:
        joined = "".join(values.tolist())
        return "\0" not in joined and (not self.ascii or joined.isascii())
