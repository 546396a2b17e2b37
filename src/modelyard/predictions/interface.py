"""The contract of a prediction log: what was asked, what was answered, one row a record.

How to add one: write ``predictions/<name>.py`` with a class that has these methods, and a case file
``tests/cases/predictions/<name>.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Prediction:
    """One record: a row of the input and what the model said to it."""

    at_ms: int
    model: str
    """``name@version``, or ``name@sha256:…`` for a model served from a file."""
    method: str
    request_id: str
    row: int
    """Place in its request, from 0."""
    reference_id: str
    inputs: Mapping[str, Any]
    """JSON-able."""
    outputs: Any = None
    """JSON-able; None when the model failed."""
    model_version_id: int | None = None
    dataset_id: int | None = None
    arm: str = ""
    latency_ms: float | None = None
    caller: str = ""
    error: str = ""
    digest: str = ""
    id: int | None = None
    actual: Any = None
    """What turned out to be true, when somebody said so (feedback)."""


@dataclass(frozen=True, slots=True)
class PredictionQuery:
    """Which predictions: all that is given must hold.

    They come newest first, by time and then by ``id``. ``before_id`` (the last one of a page) and ``limit`` page a
    listing; counting and erasing concern all that the conditions select.
    """

    model: str | None = None
    """A name (all its versions), or ``name@version``."""
    since_ms: int | None = None
    """At this moment or later."""
    until_ms: int | None = None
    """Before this moment."""
    reference_id: str | None = None
    request_id: str | None = None
    before_id: int | None = None
    limit: int | None = 1000


class PredictionLog(Protocol):
    def record(self, predictions: Sequence[Prediction]) -> None:
        """Keep them all in one transaction: all, or none when one of them is refused (`InvalidInput`: values that are
        not JSON, a reference over 2048 bytes)."""
        ...

    def list(self, query: PredictionQuery) -> Iterator[Prediction]:
        """Streams: memory does not grow with the answer. `NotFound` when ``before_id`` was erased."""
        ...

    def count(self, query: PredictionQuery) -> int: ...

    def feedback(self, reference_id: str, actual: Any) -> int:
        """Attach the true outcome to every prediction of that reference; returns how many there were."""
        ...

    def erase(self, query: PredictionQuery) -> int:
        """Remove for good (a person's right): returns how many went. A query without any condition is refused."""
        ...
