"""Runs that W&B wrote to the disk: ``wandb/offline-run-*`` and ``wandb/run-*``, each with a log ``run-<id>.wandb``.

The log is one of LevelDB's with records of protobuf. History gives the curves, by W&B's own step and time; config the params,
summary what is no curve; files, also those of media, are files of the run. W&B's measures of the machine are ``system/…``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from modelyard.base.secrets import text_without_secrets
from modelyard.compat._run_files.frames import Damage, logged
from modelyard.compat._run_files.values import Kept, flat, milliseconds, number
from modelyard.compat._run_files.wire import Malformed, Message, read
from modelyard.tracking.interface import Metric, Status
from modelyard.yard.run_files import Log, Origin, State

NAME = "wandb"

HEAD = b":W&B"
_START = 7
_MAGIC = 0xBEE1
_OWN = ("_step", "_timestamp", "_runtime", "_wandb")

# Fields of a record
_HISTORY, _SUMMARY, _CONFIG, _STATS, _RUN, _EXIT, _ENVIRONMENT = 2, 3, 5, 7, 17, 18, 26
_ARTIFACT = 8


def claims(path: Path) -> bool:
    """A log, the folder of a run, or a folder of such folders."""
    return next(_logs(path), None) is not None


def runs(path: Path) -> Iterator[WandbRun]:
    """The runs there. What was written after a run was resumed is a run of its own, with the same ``wandb.run_id``."""
    for log in _logs(path):
        yield WandbRun(log)


def _logs(path: Path) -> Iterator[Path]:
    if path.is_file():
        if path.suffix == ".wandb" and _is_log(path):
            yield path
        return
    if not path.is_dir():
        return
    for pattern in ("*.wandb", "*run-*/*.wandb", "wandb/*run-*/*.wandb"):
        found = sorted(p for p in path.glob(pattern) if _is_log(p) and not p.parent.is_symlink())
        if found:
            yield from found
            return


def _is_log(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(_START)
    except OSError:
        return False
    return head[:4] == HEAD and int.from_bytes(head[4:6], "little") == _MAGIC


class WandbRun:
    """A run, as one log tells it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept, self._damage, self._state = Kept(), Damage(), State(status=Status.LOST)
        self._started, self._system = 0, 0
        self._summary: dict[str, Any] = {}
        self._curves: set[str] = set()
        self._last_ms = 0
        self.origin = self._origin()

    def _origin(self) -> Origin:
        began = self._run_record()
        self._started = _moment(began.message(17))
        run_id = began.text(1) or self._path.stem.removeprefix("run-")
        facts = {"entity": 2, "group": 6, "job_type": 7, "sweep_id": 12, "host": 13}
        tags = {f"wandb.{name}": began.text(field) for name, field in facts.items()}
        tags |= {f"wandb.tag.{tag.decode('utf-8', 'replace')}": "true" for tag in began.several(10)}
        tags |= {"wandb.run_id": run_id, "mlflow.note.content": began.text(9)}
        commit = began.message(21)
        tags |= {
            "mlflow.source.git.commit": commit.text(2),
            "mlflow.source.git.repoURL": text_without_secrets(commit.text(1)),
        }
        return Origin(
            f"{began.text(2)}/{began.text(3)}/{run_id}/{self._path.parent.name}",
            str(self._path),
            began.text(8) or run_id,
            began.text(3),
            started_ms=self._started,
            tags=self._kept.texts({key: value for key, value in tags.items() if value}),
        )

    def _run_record(self) -> Message:
        """What was said of the run when it began; nothing where that is damaged."""
        for _, record in self._records(Damage()):
            with suppress(Malformed):
                run = record.message(_RUN)
                if run and all(run.message(part) is not None for part in (17, 21)):
                    return run
        return Message()

    def _records(self, damage: Damage) -> Iterator[tuple[int, Message]]:
        with self._path.open("rb") as file:
            file.seek(_START)
            for end, data in logged(file, _START, damage):
                try:
                    yield end, read(data)
                except Malformed:
                    damage.records += 1

    def logs(self) -> Iterator[Log]:
        """All points stand in one log."""
        self._kept, self._damage, self._state = Kept(), Damage(), State(status=Status.LOST)
        self._summary, self._system, self._last_ms = {}, 0, 0
        yield Log("", self._points())

    def _points(self) -> Iterator[tuple[int, Sequence[Metric]]]:
        for end, record in self._records(self._damage):
            try:
                points = self._take(record)
            except (Malformed, ValueError, RecursionError):
                self._damage.records += 1
                continue
            if points:
                self._last_ms = max(self._last_ms, points[-1].at_ms)
                yield end, points

    def _take(self, record: Message) -> list[Metric]:
        """The points of a record; what else it says changes the state."""
        if record.has(_HISTORY):
            return self._history(record.message(_HISTORY))
        if record.has(_STATS):
            return self._stats(record.message(_STATS))
        if record.has(_RUN):
            run = record.message(_RUN)
            self._config(run.message(4))
            _update(self._summary, run.message(5))
        elif record.has(_CONFIG):
            self._config(record.message(_CONFIG))
        elif record.has(_SUMMARY):
            _update(self._summary, record.message(_SUMMARY))
        elif record.has(_EXIT):
            code = record.message(_EXIT).integer(1)
            self._state.status = Status.FINISHED if code == 0 else Status.FAILED
            self._state.tags["wandb.exit_code"] = str(code)
        elif record.has(_ENVIRONMENT):
            self._environment(record.message(_ENVIRONMENT))
        elif record.has(_ARTIFACT):
            self._artifact(record.message(_ARTIFACT))
        return []

    def _history(self, history: Message) -> list[Metric]:
        values: dict[str, Any] = {}
        for item in history.messages(1):
            _put(values, _place(item), json.loads(item.text(16) or "null"))
        at_ms = milliseconds(number(values.get("_timestamp")) or 0.0) or self._started
        step = history.message(2).integer(1)
        if not history.has(2):
            told = values.get("_step")
            step = told if isinstance(told, int) and abs(told) < 1 << 63 else 0
        points: list[Metric] = []
        for key, value in flat({k: v for k, v in values.items() if k not in _OWN}):
            found = number(value)
            if isinstance(value, dict):
                continue  # an image or a table, whose file stands in `files`; or a histogram
            if found is None:
                self._kept.leave_out(f"values of {key!r} that are no numbers")
            elif self._kept.key(key):
                points.append(Metric(key, found, at_ms, step))
                self._curves.add(key)
        return points

    def _stats(self, stats: Message) -> list[Metric]:
        at_ms, points = _moment(stats.message(2)) or self._started, list[Metric]()
        for item in stats.messages(3):
            found, key = number(json.loads(item.text(16) or "null")), f"system/{item.text(1)}"
            if found is not None and self._kept.key(key):
                points.append(Metric(key, found, at_ms, self._system))
        self._system += 1
        return points

    def _config(self, config: Message) -> None:
        values: dict[str, Any] = {}
        _update(values, config)
        values.pop("_wandb", None)
        params = self._state.params
        for key, text in self._kept.texts(dict(flat(values))).items():
            if params.setdefault(key, text) != text:
                self._state.tags[f"wandb.config.{key}"] = text

    def _environment(self, told: Message) -> None:
        facts = {
            "mlflow.source.name": told.text(6),
            "wandb.python": told.text(2),
            "wandb.os": told.text(1),
            "wandb.user": told.text(13),
        }
        known = {key: text for key, text in facts.items() if text}
        self._state.tags |= self._kept.texts(known)

    def _artifact(self, told: Message) -> None:
        """Its bytes are elsewhere on that machine: only its name is kept."""
        if told.text(4) not in ("run_table", "job"):
            key = f"wandb.artifact.{told.text(5)}"
            self._state.tags |= self._kept.texts({key: f"{told.text(4)} {told.text(6)}"})

    def state(self) -> State:
        """After the log was read."""
        state, folder = self._state, self._path.parent
        for key, value in flat({k: v for k, v in self._summary.items() if k not in _OWN}):
            found = number(value)
            if key in self._curves or isinstance(value, dict) or not self._kept.key(key):
                continue
            if found is not None:
                state.summary[key] = found
            elif value is not None:
                state.tags |= self._kept.texts({f"wandb.summary.{key}": value})
        if state.status is not Status.LOST:
            state.ended_ms = self._last_ms or self._started
        if (files := folder / "files").is_dir():
            self._kept.folder(state.files, files, _project(folder))
        state.notes = [*self._damage.told(), *self._kept.notes()]
        return state


def _project(folder: Path) -> Path:
    """Where W&B was started: its links to files below it are followed, others are not."""
    return folder.parent.parent if folder.parent.name == "wandb" else folder


def _update(values: dict[str, Any], told: Message) -> None:
    for item in told.messages(1):
        _put(values, _place(item), json.loads(item.text(16) or "null"))
    for item in told.messages(2):
        _drop(values, _place(item))


def _place(item: Message) -> list[str]:
    nested = [part.decode("utf-8", "replace") for part in item.several(2)]
    return nested or [item.text(1)]


def _put(values: dict[str, Any], place: Sequence[str], value: Any) -> None:
    for part in place[:-1]:
        inner = values.get(part)
        if not isinstance(inner, dict):
            inner = values[part] = {}
        values = inner
    values[place[-1]] = value


def _drop(values: dict[str, Any], place: Sequence[str]) -> None:
    for part in place[:-1]:
        inner = values.get(part)
        if not isinstance(inner, dict):
            return
        values = inner
    values.pop(place[-1], None)


def _moment(timestamp: Message) -> int:
    seconds = timestamp.integer(1)
    whole = 0 <= seconds < 10**11
    return seconds * 1000 + timestamp.integer(2) // 10**6 if whole else 0
