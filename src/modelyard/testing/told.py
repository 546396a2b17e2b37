"""A recorder that keeps what it is told in memory, and the runs that follow from it.

For tests of what logs: the real `ActiveRun` writes to it, and nothing has to arrive anywhere.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelyard.tracking.interface import Batch, Input, Metric
from modelyard.tracking.records import (
    FileAdded,
    ModelBegun,
    ModelEnded,
    Record,
    RunBegun,
    RunEnded,
    RunLogged,
)


@dataclass
class ToldRun:
    """A run as it was told."""

    run_id: str
    name: str = ""
    parent: str | None = None
    status: str = "RUNNING"
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    points: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    """Metric -> (step, value) in the order in which they were told."""
    inputs: list[Input] = field(default_factory=list)
    files: dict[str, Path] = field(default_factory=dict)
    models: dict[str, ToldModel] = field(default_factory=dict)
    """By name."""

    @property
    def metrics(self) -> dict[str, float]:
        """The latest points."""
        return {key: points[-1][1] for key, points in self.points.items()}

    def text(self, file: str) -> str:
        """What one of its files says."""
        return self.files[file].read_text(encoding="utf-8")


@dataclass
class ToldModel:
    """A model that was logged."""

    model_id: str
    run_id: str | None
    name: str
    status: str = "PENDING"
    params: Mapping[str, str] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)

    def unpacked(self, folder: Path) -> Path:
        """Its files in a folder; returns what `load` takes."""
        for name, path in self.files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        return folder / "model"


class MemoryRecorder:
    """See `modelyard.tracking.recording.Recorder`. Files are copied into a folder."""

    def __init__(self, folder: Path) -> None:
        self.records: list[Record] = []
        self._folder = folder
        self._lock = threading.Lock()

    def metric(self, run_id: str, key: str, value: float, at_ms: int, step: int) -> None:
        self.add(RunLogged(run_id, Batch([Metric(key, value, at_ms, step)])))

    def add(self, record: Record) -> None:
        with self._lock:
            self.records.append(record)

    def keep_file(self, path: str | os.PathLike[str]) -> tuple[str, int]:
        data = Path(path).read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        (self._folder / sha256).write_bytes(data)
        return sha256, len(data)

    def flush(self, timeout: float | None = None) -> bool:
        return True

    def close(self, timeout: float = 0) -> bool:
        return True

    def runs(self) -> list[ToldRun]:
        """What was told, in the order in which the runs began."""
        runs: dict[str, ToldRun] = {}
        models: dict[str, ToldModel] = {}
        for record in list(self.records):
            match record:
                case RunBegun():
                    run = runs.setdefault(record.run_id, ToldRun(record.run_id, record.name))
                    run.parent, run.status = record.parent_run_id, "RUNNING"
                    run.tags.update(record.tags)
                case RunLogged():
                    _take(runs[record.run_id], record.batch)
                case RunEnded():
                    runs[record.run_id].status = str(record.status)
                case ModelBegun():
                    models[record.model_id] = model = ToldModel(
                        record.model_id, record.run_id, record.name, params=record.params
                    )
                    if record.run_id in runs:
                        runs[record.run_id].models[record.name] = model
                case ModelEnded():
                    models[record.model_id].status = record.status
                case FileAdded():
                    kind, _, owner = record.owner.partition(":")
                    files: Any = (runs if kind == "run" else models)[owner].files
                    files[record.path] = self._folder / record.sha256
                case _:
                    pass
        return list(runs.values())


def _take(run: ToldRun, batch: Batch) -> None:
    for metric in batch.metrics:
        run.points.setdefault(metric.key, []).append((metric.step, metric.value))
    run.params.update(batch.params)
    run.inputs.extend(batch.inputs)
    for key, value in batch.tags.items():
        if value is None:
            run.tags.pop(key, None)
        else:
            run.tags[key] = value
