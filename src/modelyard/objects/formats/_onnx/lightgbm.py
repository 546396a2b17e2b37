"""Boosters of LightGBM, by onnxmltools: thresholds are float64 there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from modelyard.objects.formats._onnx.boosters import converting


def attempts(model: Any, value: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """In float64, as the library computes, then in float32."""
    yield from converting("lightgbm", model, value, ["float64", "float32"])
