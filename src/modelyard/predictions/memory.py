"""A prediction log in memory: the twin for tests.

>>> from modelyard.predictions.interface import Prediction, PredictionQuery
>>> log = MemoryPredictionLog()
>>> log.record([Prediction(0, "churn@3", "predict", "r1", 0, "", {"x": 1}, 0.5)])
>>> [prediction.outputs for prediction in log.list(PredictionQuery(model="churn"))]
[0.5]
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from itertools import islice
from typing import Any

from modelyard.base.errors import InvalidInput
from modelyard.predictions.interface import Prediction, PredictionQuery
from modelyard.predictions.selection import (
    MAX_REFERENCE,
    gone,
    refuse_everything,
    refuse_no_reference,
    selects,
)

_JSON = ("inputs", "outputs", "actual")


class MemoryPredictionLog:
    """Nothing outlives the process."""

    def __init__(self) -> None:
        self._rows: dict[int, Prediction] = {}
        self._last = 0
        self._lock = threading.Lock()

    def record(self, predictions: Sequence[Prediction]) -> None:
        kept = [_kept(prediction) for prediction in predictions]
        with self._lock:
            for prediction in kept:
                self._last += 1
                self._rows[self._last] = replace(prediction, id=self._last)

    def list(self, query: PredictionQuery) -> Iterator[Prediction]:
        found = sorted(self._selected(query), key=_age)
        if query.before_id is not None:
            last = self._rows.get(query.before_id)
            if last is None:
                raise gone(query.before_id)
            found = [prediction for prediction in found if _age(prediction) > _age(last)]
        return islice(iter(found), query.limit)

    def count(self, query: PredictionQuery) -> int:
        return len(self._selected(query))

    def feedback(self, reference_id: str, actual: Any) -> int:
        refuse_no_reference(reference_id)
        found = self._selected(PredictionQuery(reference_id=reference_id))
        for prediction in found:
            self._rows[_id(prediction)] = replace(prediction, actual=_plain(actual))
        return len(found)

    def erase(self, query: PredictionQuery) -> int:
        refuse_everything(query)
        found = self._selected(query)
        for prediction in found:
            del self._rows[_id(prediction)]
        return len(found)

    def _selected(self, query: PredictionQuery) -> Sequence[Prediction]:
        with self._lock:
            return [prediction for prediction in self._rows.values() if selects(query, prediction)]


def _id(prediction: Prediction) -> int:
    assert prediction.id is not None
    return prediction.id


def _age(prediction: Prediction) -> tuple[int, int]:
    """Sorts the newest first."""
    return -prediction.at_ms, -_id(prediction)


def _kept(prediction: Prediction) -> Prediction:
    """As a database keeps it: what one of them could not is refused here too."""
    for field in fields(prediction):
        value = getattr(prediction, field.name)
        if (
            (isinstance(value, str) and not _fits(value))
            or (isinstance(value, int) and not -(2**63) <= value < 2**63)
            or (isinstance(value, float) and not math.isfinite(value))
        ) and field.name not in _JSON:
            raise InvalidInput(f"{field.name} {str(value)[:40]!r} cannot be kept")
    return replace(prediction, **{name: _plain(getattr(prediction, name)) for name in _JSON})


def _fits(text: str) -> bool:
    try:
        return "\0" not in text and len(text.encode()) <= MAX_REFERENCE
    except UnicodeEncodeError:
        return False


def _plain(value: Any) -> Any:
    """A value as a database gives it back."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"a prediction holds what is not JSON: {error}") from None
