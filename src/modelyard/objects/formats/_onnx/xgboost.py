"""Boosters of XGBoost, by onnxmltools: thresholds are float32 there as well."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from modelyard.objects.formats._onnx.boosters import converting


def attempts(model: Any, value: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """In float32, as the library computes."""
    yield from converting("xgboost", _nameless(model), value, ["float32"])


def _nameless(model: Any) -> Any:
    """A copy whose features have the names that the converter knows: none."""
    copied = copy.deepcopy(model)
    booster = copied if not hasattr(copied, "get_booster") else copied.get_booster()
    booster.feature_names = None
    return copied
