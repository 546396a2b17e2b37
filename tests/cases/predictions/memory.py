"""Memory: every handle is the log itself."""

from __future__ import annotations

from modelyard.predictions.memory import MemoryPredictionLog
from modelyard.testing.predictions import Bench


def bench() -> Bench:
    log = MemoryPredictionLog()
    return Bench(log, lambda: log)
