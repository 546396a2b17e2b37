"""What a source of a migration tells, wherever it stands: a database, a folder ``mlruns`` or a server.

How to add one: write a module here with a class that has `Source`'s methods, and name it in `opening.py`. Runs come in
pages and without the history of their metrics, which is asked for only where it is needed.
"""

from __future__ import annotations

import hashlib
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import IO, Any, Protocol

from modelyard.tracking.interface import LoggedModel, Metric, Run, Status

RUN_ID = re.compile(r"[0-9a-f]{32}")
MODEL_ID = re.compile(r"m-[0-9a-f]{32}")
RUN_NAME, PARENT = "mlflow.runName", "mlflow.parentRunId"
MARK = "migrated."
"""Tags that begin so say what the destination has no other place for; no source has them."""

_STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")


@dataclass(frozen=True, slots=True)
class Home:
    """An experiment over there."""

    id: str
    name: str
    deleted: bool = False
    created_ms: int = 0
    location: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run over there; of its metrics the latest points. The experiment's number in ``run`` means nothing."""

    run: Run
    home: str
    deleted: bool = False
    files: str = ""
    """Where its artifacts are, as the source says."""


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A logged model over there."""

    model: LoggedModel
    home: str
    deleted: bool = False
    files: str = ""


@dataclass(frozen=True, slots=True)
class FoundVersion:
    """A version of a registered model over there."""

    number: int
    source: str = ""
    files: str = ""
    """Where its files are, when that is not its source."""
    run_id: str = ""
    run_link: str = ""
    model_id: str = ""
    description: str = ""
    stage: str = "None"
    status: str = "READY"
    user: str = ""
    created_ms: int = 0
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Registered:
    """A registered model over there, with its versions by number."""

    name: str
    description: str = ""
    created_ms: int = 0
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    aliases: Mapping[str, int] = field(default_factory=dict[str, int])
    versions: Sequence[FoundVersion] = ()


class Folder(Protocol):
    """Files below one place."""

    def list(self) -> Iterator[str]:
        """Their paths, seen from the place, sorted."""
        ...

    def open(self, path: str) -> IO[bytes]: ...


class Source(Protocol):
    shown: str
    """For messages: without secrets."""
    key: str
    """The same for the same source, whoever opens it."""

    def homes(self) -> list[Home]: ...

    def runs(self, home: Home) -> Iterator[Sequence[FoundRun]]:
        """Pages of runs, deleted ones too."""
        ...

    def histories(self, runs: Sequence[FoundRun]) -> Mapping[str, Sequence[Metric]]:
        """All points of these runs by run id, each series from its oldest step on."""
        ...

    def models(self, home: Home) -> Iterator[Sequence[FoundModel]]: ...

    def registered(self) -> Iterator[Registered]: ...

    def folder(self, uri: str, run_id: str = "", model_id: str = "") -> Folder | None:
        """The files at a place that the source names, of a run or logged model of it; None when nothing is there.
        `NotAllowed` for a place that nobody allowed to open."""
        ...

    def left_out(self) -> list[str]:
        """What the source has and no yard takes, a line each."""
        ...

    def close(self) -> None: ...


def run_id_of(text: str) -> str:
    """A run's id as a yard takes it: itself where that can be."""
    return text if RUN_ID.fullmatch(text) else hashlib.sha256(text.encode()).hexdigest()[:32]


def model_id_of(text: str) -> str:
    """The same for a logged model's."""
    return text if MODEL_ID.fullmatch(text) else f"m-{run_id_of(text)}"


def status_of(word: Any) -> Status:
    """A run's status; older stores keep its number."""
    if isinstance(word, int) or str(word).isdecimal():
        return Status(_STATUSES[int(word) - 1])
    return Status(word or "RUNNING")


def number_of(value: float | None, nan: Any = False) -> float:
    """A metric's value as it was logged: MLflow's databases know no NaN, and write the largest number for infinity."""
    if nan or value is None:
        return math.nan
    largest = sys.float_info.max
    return math.inf if value >= largest else -math.inf if value <= -largest else value


def in_order(points: Sequence[Metric]) -> list[Metric]:
    """Each point once, by key and then as it is ranked: the latest of each key comes last."""
    known = {(*point[:1], repr(point.value), *point[2:]): point for point in points}
    return sorted(known.values(), key=lambda m: (m.key, m.step, m.at_ms, rank(m.value)))


def rank(value: float) -> tuple[bool, float]:
    """Values in an order that NaN is part of."""
    return (False, value) if value == value else (True, 0.0)


def latest_of(points: Sequence[Metric]) -> list[Metric]:
    """The latest point of each key."""
    return sorted({point.key: point for point in in_order(points)}.values(), key=lambda m: m.key)


def in_contexts(points: Sequence[Metric], contexts: Sequence[Metric]) -> list[Metric]:
    """A run's points, those that were measured of a model or data set as that says: over there such a point stands
    once with the run and once with the model."""
    of = {}
    for point in contexts:
        of.setdefault((point.key, point.step, point.at_ms), []).append(point)
    found: list[Metric] = []
    for point in points:
        same = [
            c for c in of.get((point.key, point.step, point.at_ms), ()) if same_value(c.value, point.value)
        ]  # fmt: skip
        found += [point._replace(context=c.context) for c in same] if same else [point]
    return found


def same_value(one: float, other: float) -> bool:
    """The same number; NaN is itself."""
    return one == other or (one != one and other != other)


def known_as(run: Run) -> Run:
    """A run with an id that a yard takes, its former one as a tag."""
    mine = run_id_of(run.run_id)
    if mine == run.run_id:
        return run
    return replace(run, run_id=mine, tags={**run.tags, f"{MARK}run_id": run.run_id})
