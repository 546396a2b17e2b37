"""Figures for Prometheus over one process, or over several that serve together.

Processes that serve together keep their counts in files of one folder, mapped into memory: whoever is asked adds them up, and what a
process counted before it was killed is not lost. The next one under its number goes on where it stopped. Gauges are those of the
living: each writes down once a second what it sees.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

FOLDER = "PROMETHEUS_MULTIPROC_DIR"

_shared: list[str] = []
_watched: list[tuple[LiveGauge, Callable[[], float]]] = []


def share_counts(folder: str, number: int) -> None:
    """From now on what this process counts is kept in the folder, as that of the process of this number.

    Comes before any metric is made. No two living processes have one number.
    """
    os.environ[FOLDER] = folder
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[assignment,misc]  # as its own start does
    _shared[:] = [folder]


def exposition(
    registry: CollectorRegistry, shown: Callable[[Any], Any] = lambda source: source
) -> bytes:
    """Prometheus' text format: this registry, or the sum over all processes that share their counts; ``shown`` may add to it."""
    if not _shared:
        return generate_latest(shown(registry))
    write_gauges()
    everybody = CollectorRegistry()
    MultiProcessCollector(everybody, _shared[0])  # type: ignore[no-untyped-call]
    return generate_latest(shown(everybody))


def write_gauges() -> None:
    """Write down what the gauges show now, for the others."""
    for gauge, function in _watched:
        gauge.set(function())


class LiveGauge(Gauge):
    """A gauge that is asked when somebody looks; over several processes the sum of the living."""

    def __init__(self, *words: Any, multiprocess_mode: Any = "livesum", **options: Any) -> None:
        super().__init__(*words, multiprocess_mode=multiprocess_mode, **options)

    def set_function(self, f: Callable[[], float]) -> None:
        """Show what the function says."""
        super().set_function(f)
        if _shared:
            _watched.append((self, f))
