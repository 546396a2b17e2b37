"""What somebody who watches runs sees: the runs that go on, or those that were named, with the curves of some metrics.

Each look asks for the runs; curves are asked for only of those that changed since the last one.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from modelyard.base.hub_client import path_of
from modelyard.tracking.interface import Bucket, Columns, Run, Status

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard

BUCKETS = 400
"""Of a curve: more than a terminal has columns for."""
MOST_METRICS = 40
OWN = "system/"
"""Measures of the machine: shown when they are asked for."""
FALL_BACK_SECONDS = 30.0
"""How often a hub is looked at that tells what happens."""

_METRICS = Columns(None, (), (), inputs=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """A look at some runs."""

    runs: Sequence[Run]
    experiments: Mapping[int, str]
    keys: Sequence[str]
    """Metrics that are shown, the most common first."""
    curves: Mapping[tuple[str, str], Sequence[Bucket]] = field(
        default_factory=dict[tuple[str, str], "Sequence[Bucket]"]
    )
    """By run and metric."""
    trouble: str = ""
    """Why this is an old look: the last one failed."""

    @property
    def over(self) -> bool:
        """Whether none of them goes on."""
        return all(run.status not in (Status.RUNNING, Status.SCHEDULED) for run in self.runs)


class Watching:
    """Looks at runs of a yard, again and again."""

    def __init__(
        self,
        yard: Yard,
        run_ids: Sequence[str] = (),
        *,
        experiments: Sequence[str] = (),
        metrics: Sequence[str] = (),
        limit: int = 8,
    ) -> None:
        self._yard, self._run_ids, self._limit = yard, run_ids, limit
        self._experiments, self._metrics = list(experiments), metrics
        self._names: dict[int, str] = {}
        self._curves: dict[tuple[str, str], tuple[int, Sequence[Bucket]]] = {}

    def look(self) -> Seen:
        """What there is to see now."""
        runs = self._runs()
        for run in runs:
            if run.experiment_id not in self._names:
                name = self._yard.tracker.experiment(run.experiment_id).name
                self._names[run.experiment_id] = name
        keys = self._keys(runs)
        wanted = {(r.run_id, m.key): r.changed_ms for r in runs for m in r.metrics if m.key in keys}
        for place, changed_ms in wanted.items():
            if place not in self._curves or self._curves[place][0] != changed_ms:
                found = self._yard.tracker.curve(*place, buckets=BUCKETS)
                self._curves[place] = changed_ms, found
        self._curves = {place: kept for place, kept in self._curves.items() if place in wanted}
        curves = {place: buckets for place, (_, buckets) in self._curves.items()}
        return Seen(runs, self._names, keys, curves)

    def _runs(self) -> list[Run]:
        """Those that go on before those that ended, the newest first."""
        if self._run_ids:
            return [self._yard.tracker.run(run_id, _METRICS) for run_id in self._run_ids]
        found: dict[str, Run] = {}
        for which in ("status = 'RUNNING'", ""):
            if len(found) < self._limit:
                experiments = self._experiments or None
                for run in self._yard.runs.iterate(
                    which, experiments=experiments, limit=self._limit, columns=_METRICS
                ):
                    found.setdefault(run.run_id, run)
        return list(found.values())[: self._limit]

    def _keys(self, runs: Sequence[Run]) -> list[str]:
        counts = Counter(metric.key for run in runs for metric in run.metrics)
        common = sorted(counts, key=lambda key: (-counts[key], key))
        if self._metrics:
            return [
                key
                for pattern in self._metrics
                for key in common
                if key == pattern or fnmatchcase(key, pattern)
            ][:MOST_METRICS]
        return [key for key in common if not key.startswith(OWN)][:MOST_METRICS]


class Looker:
    """Looks in the background, so that keys are heard while a hub or a server lets us wait."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching
        self._asked, self.done = threading.Event(), threading.Event()
        self._found: Seen | BaseException | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def ask(self) -> None:
        """Begin a look; `done` is set when it is over."""
        self.done.clear()
        self._asked.set()

    def take(self) -> Seen:
        """What the look that is done has found, or its error."""
        if isinstance(self._found, Seen):
            return self._found
        raise self._found or RuntimeError("nothing was asked for")

    def _run(self) -> None:
        while self._asked.wait():
            self._asked.clear()
            try:
                self._found = self._watching.look()
            except BaseException as error:  # noqa: BLE001  raised where it is taken
                self._found = error
            self.done.set()


class Bell:
    """Rings when a hub tells that runs changed; a yard that tells nothing is looked at every so often."""

    def __init__(self, yard: Yard, seconds: float) -> None:
        self.seconds = seconds
        self.rung = threading.Event()
        self._client = getattr(yard, "client", None)
        self._listener: threading.Thread | None = None
        self._hears = False

    def listen(self, experiments: Sequence[int]) -> None:
        """From now on to what happens in these, where the yard is behind a hub that tells."""
        if self._client is None or self._listener is not None or not experiments:
            return
        query = urlencode([("experiment", number) for number in sorted(set(experiments))[:20]])
        place = f"{path_of('events', 'stream')}?{query}"
        self._listener = threading.Thread(target=self._follow, args=[place], daemon=True)
        self._listener.start()

    def _follow(self, place: str) -> None:
        try:
            with self._client.download(place, None) as pieces:  # type: ignore[union-attr]  # there is one
                for piece in pieces:
                    # Before its first word something may have changed.
                    if b"event: run." in piece or not self._hears:
                        self.rung.set()
                    self._hears = True
        except Exception:  # noqa: BLE001  not allowed, gone, or closed here: it is looked at as any other
            pass
        if self._hears:  # it may be heard again; who was never heard is asked no more
            self._hears, self._listener = False, None
            self.rung.set()

    @property
    def wait_seconds(self) -> float:
        """How long to wait for a ring before looking all the same."""
        return max(self.seconds, FALL_BACK_SECONDS) if self._hears else self.seconds
