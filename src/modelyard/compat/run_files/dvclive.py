"""DVCLive's folder: a table a metric in ``plots/metrics``, ``metrics.json``, ``params.yaml``, and files.

It is written over by the next training, so that the same folder with other values is another run.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from modelyard.base.errors import InvalidInput
from modelyard.compat._run_files.values import Kept, flat, number
from modelyard.stores.plain_yaml import read_yaml
from modelyard.tracking.interface import Metric, Status
from modelyard.yard.run_files import Log, Origin, State

NAME = "dvclive"

FOLDER = "dvclive"
METRICS, PARAMS, PLOTS = "metrics.json", "params.yaml", "plots/metrics"
MOST_LINE = 4096
MOST_BYTES = 16 << 20
"""Of ``metrics.json`` and ``params.yaml``."""
PIPELINE = "dvc.yaml"


def claims(path: Path) -> bool:
    """The folder itself, or one that has it as ``dvclive``."""
    return _folder(path) is not None


def runs(path: Path) -> Iterator[LiveRun]:
    """The one run that it holds."""
    folder = _folder(path)
    if folder is not None:
        yield LiveRun(folder)


def _folder(path: Path) -> Path | None:
    for folder in (path, path / FOLDER):
        if (folder / PLOTS).is_dir() or ((folder / METRICS).is_file() and folder.name == FOLDER):
            return folder
    return None


class LiveRun:
    """The run of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept, self._notes = Kept(), list[str]()
        self._keys: set[str] = set()
        place = folder.resolve()
        name = place.parent.name if place.name == FOLDER else place.name
        began = min((p.stat().st_mtime_ns for p in self._own_files()), default=0) // 10**6
        self.origin = Origin(
            place.as_posix(), str(folder), name, name, started_ms=began, rewritten=True
        )

    def _own_files(self) -> Iterator[Path]:
        tables = sorted((self._folder / PLOTS).rglob("*.tsv"))
        others = [self._folder / METRICS, self._folder / PARAMS]
        return (p for p in (*tables, *others) if p.is_file() and not p.is_symlink())

    def logs(self) -> Iterator[Log]:
        """A table is a log: it grows by a line a step."""
        self._kept, self._notes, self._keys = Kept(), [], set()
        for path in self._own_files():
            if path.suffix == ".tsv":
                key = path.relative_to(self._folder / PLOTS).with_suffix("").as_posix()
                self._keys.add(key)
                if self._kept.key(key):
                    yield Log(key, self._points(path, key))

    def _points(self, path: Path, key: str) -> Iterator[tuple[int, Sequence[Metric]]]:
        changed_ms = path.stat().st_mtime_ns // 10**6
        with path.open("rb") as file:
            head = _cells(_line(file))
            for end, line in _lines(file, self._notes, key):
                row = dict(zip(head, _cells(line), strict=False))
                value, step = _number(row.get(head[-1])), _number(row.get("step"))
                if value is None or step is None or not step.is_integer() or abs(step) >= 2**63:
                    self._kept.leave_out(f"lines of {key} that are no points")
                    continue
                at_ms = _number(row.get("timestamp"))
                moment = changed_ms if at_ms is None or not 0 < at_ms < 2**53 else int(at_ms)
                yield end, [Metric(key, value, moment, int(step))]

    def state(self) -> State:
        """After the tables were read. That a training goes on is said nowhere."""
        state = State(status=Status.FINISHED)
        changed = [p.stat().st_mtime_ns for p in self._own_files()]
        state.ended_ms = max(changed, default=0) // 10**6 or None
        state.params = self._kept.texts(dict(flat(self._read(PARAMS))))
        for key, value in flat(self._read(METRICS), joint="/"):
            found = number(value)
            if key == "step" or key in self._keys or not self._kept.key(key):
                continue
            if found is None:
                state.tags |= self._kept.texts({f"dvclive.{key}": value})
            else:
                state.summary[key] = found
        self._take_files(state)
        state.notes = [*self._notes, *self._kept.notes()]
        return state

    def _take_files(self, state: State) -> None:
        """All but the tables of metrics, which are curves here."""
        self._kept.folder(state.files, self._folder, self._folder)
        for path in list(state.files):
            if path.startswith(f"{PLOTS}/") and path.endswith(".tsv"):
                del state.files[path]
        for place in (self._folder, self._folder.parent):
            pipeline = place / PIPELINE
            if pipeline.is_file() and not pipeline.is_symlink():
                state.files.setdefault(PIPELINE, pipeline)

    def _read(self, name: str) -> Any:
        path = self._folder / name
        if not path.is_file() or path.is_symlink():
            return {}
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            self._notes.append(f"{name} is larger than {MOST_BYTES >> 20} MB")
            return {}
        try:
            found = json.loads(data) if name == METRICS else read_yaml(data, name)
        except (ValueError, RecursionError, InvalidInput) as error:
            self._notes.append(f"{name} cannot be read: {error}")
            return {}
        return found if isinstance(found, dict) else {}


def _line(file: IO[bytes]) -> bytes:
    return file.readline(MOST_LINE)


def _lines(file: IO[bytes], notes: list[str], key: str) -> Iterator[tuple[int, bytes]]:
    """Whole lines, each with where it ends. One without an end is still being written."""
    while line := _line(file):
        if line.endswith(b"\n"):
            yield file.tell(), line
        elif len(line) == MOST_LINE:
            notes.append(
                f"{key}: a line is longer than {MOST_LINE} bytes; what follows is left out"
            )
            return
        else:
            notes.append(f"{key}: the last line is not whole yet")


def _cells(line: bytes) -> list[str]:
    text = line.decode("utf-8-sig", "replace").rstrip("\r\n")
    try:
        return next(csv.reader([text], delimiter="\t"), [""]) or [""]
    except csv.Error:
        return [""]


def _number(text: str | None) -> float | None:
    """A cell as a number; truths are written as words.

    >>> _number("0.5"), _number("True"), _number("")
    (0.5, 1.0, None)
    """
    if text in ("True", "False"):
        return float(text == "True")
    try:
        return float(text or "")
    except ValueError:
        return None
