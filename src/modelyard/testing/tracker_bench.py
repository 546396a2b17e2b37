"""What the contract of trackers works with: a bench around a tracker, and values that are easily lost."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from modelyard.tracking.interface import Batch, Metric, Run, Tracker

ODD_FLOATS = [
    0.0, -0.0, 5e-324, -5e-324, 0.1 + 0.2, 1.7976931348623157e308, math.inf, -math.inf, math.nan,
]  # fmt: skip
ODD_TEXTS = [
    "",
    " ",
    "é",
    "e\u0301",
    "a ",
    "'; DROP TABLE my_runs",
    "\U0001f600" * 300,
    "x" * 10_000,
]
EDGES = [-(2**63), -1, 0, 2**63 - 1]


def bits(value: float) -> bytes:
    """All that there is of a float."""
    return struct.pack("<d", value)


def points(metrics: Sequence[Metric]) -> list[tuple[str, bytes, int, int]]:
    """Metrics, comparable: NaN equals itself here."""
    return [(m.key, bits(m.value), m.at_ms, m.step) for m in metrics]


@dataclass(frozen=True)
class Bench:
    """A tracker and another handle to the same."""

    tracker: Tracker
    again: Callable[[], Tracker]

    def run(self, *metrics: Metric, **batch: object) -> str:
        """The id of a new run that logged this."""
        run_id = self.tracker.create_run(0).run_id
        self.tracker.write(run_id, Batch(metrics=metrics, **batch))  # type: ignore[arg-type]
        return run_id

    def seen(self, run_id: str) -> Run:
        """As somebody else sees it."""
        return self.again().run(run_id)

    def history(self, run_id: str, key: str) -> list[Metric]:
        """All of it, in small pages."""
        found: list[Metric] = []
        page = None
        while True:
            part = self.again().history(run_id, key, limit=70, page=page)
            found += part.items
            if part.next is None:
                return found
            page = part.next
