"""TensorBoard's event files: each folder that holds some is a run, by its path below the folder that was named.

Scalars are the curves, of both generations of summaries; what the HParams plugin noted are the params; texts and images become
files. Histograms, audio and graphs have no place here: how many there were is told.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from modelyard.compat._run_files.frames import Damage, tfrecords
from modelyard.compat._run_files.values import MOST_DEEP, Kept, milliseconds
from modelyard.compat._run_files.wire import Malformed, Message, read
from modelyard.tracking.interface import Metric, Status
from modelyard.yard.run_files import Log, Origin, State

NAME = "tensorboard"

MARK = ".tfevents."
MOST_RUNS = 10_000
MOST_MEDIA_BYTES = 1 << 30
"""Of images and texts of a run, which are kept in memory until they are files."""

_SUMMARY = 5
_TAG, _SIMPLE, _IMAGE, _TENSOR, _METADATA = 1, 2, 4, 8, 9
_SESSION = "_hparams_/"
_FORMS = {1: ("f", 4, 5), 2: ("d", 8, 6)}
"""A tensor's type -> struct's letter, its bytes, the field of values that stand there as such."""
_WHOLE = {3: ("i", 4, 7), 9: ("q", 8, 10), 10: ("?", 1, 11)}


def claims(path: Path) -> bool:
    """An event file, or a folder with some below it."""
    return next(_folders(path), None) is not None


def runs(path: Path) -> Iterator[TensorboardRun]:
    """A run a folder."""
    for folder, files in _folders(path):
        top = path if path.is_dir() else folder
        yield TensorboardRun(top, folder, files)


def _folders(path: Path) -> Iterator[tuple[Path, list[Path]]]:
    if path.is_file():
        if MARK in path.name:
            yield path.parent, [path]
        return
    count = 0
    for place, below, names in os.walk(path):
        below.sort()
        files = [Path(place, name) for name in sorted(names) if MARK in name]
        files = [file for file in files if file.is_file() and not file.is_symlink()]
        if files:
            count += 1
            yield Path(place), files
        if count >= MOST_RUNS:
            return


class TensorboardRun:
    """A folder of event files."""

    def __init__(self, top: Path, folder: Path, files: Sequence[Path]) -> None:
        self._files = files
        self._kept, self._state = Kept(), State()
        self._damage: dict[str, Damage] = {}
        self._last_ms, self._media = 0, 0
        self._texts: dict[str, list[str]] = {}
        self._plugins: dict[str, str] = {}
        at_ms, mark = self._beginning()
        below = folder.relative_to(top).as_posix()
        self.origin = Origin(
            f"{mark}/{folder.name}",
            str(folder),
            folder.resolve().name if below == "." else below,
            top.resolve().parent.name if below == "." else top.resolve().name,
            started_ms=at_ms,
        )

    def _beginning(self) -> tuple[int, str]:
        """When the first file was begun. Its name, with the exact time in it, is what no other run has."""
        for file in self._files:
            for _, event in self._events(file, Damage()):
                seconds = event.double(1)
                return milliseconds(seconds), f"{file.name}/{seconds.hex()}"
        return 0, self._files[0].name

    def _events(self, path: Path, damage: Damage) -> Iterator[tuple[int, Message]]:
        with path.open("rb") as file:
            for end, data in tfrecords(file, damage):
                try:
                    yield end, read(data)
                except Malformed:
                    damage.records += 1

    def logs(self) -> Iterator[Log]:
        """A file is a log; more of them come when the training goes on."""
        self._kept, self._state, self._damage = Kept(), State(), {}
        self._texts, self._plugins, self._media = {}, {}, 0
        for path in self._files:
            self._damage[path.name] = damage = Damage()
            yield Log(path.name, self._points(path, damage))

    def _points(self, path: Path, damage: Damage) -> Iterator[tuple[int, Sequence[Metric]]]:
        for end, event in self._events(path, damage):
            at_ms = milliseconds(event.double(1))
            self._last_ms = max(self._last_ms, at_ms)
            if event.has(4) or event.has(9):
                self._kept.leave_out("graphs")
            points: list[Metric] = []
            try:
                for value in event.message(_SUMMARY).messages(1):
                    points += self._take(value, at_ms, event.integer(2))
            except Malformed:
                damage.records += 1
            if points:
                yield end, points

    def _take(self, value: Message, at_ms: int, step: int) -> list[Metric]:
        tag, plugin = value.text(_TAG), self._plugin(value)
        if tag.startswith(_SESSION):
            self._session(value.message(_METADATA).message(1).message(2))
            return []
        found = None
        if value.has(_SIMPLE):
            found = value.single(_SIMPLE)
        elif value.has(_IMAGE):
            self._image(tag, step, value.message(_IMAGE).bytes(4))
            return []
        elif value.has(_TENSOR):
            tensor = value.message(_TENSOR)
            if plugin == "text":
                return self._text(tag, step, tensor)
            if plugin == "images":
                return self._images(tag, step, tensor)
            found = _scalar(tensor) if plugin in ("", "scalars") else None
        if found is None:
            self._kept.leave_out(
                {"": "values of other kinds", "audio": "audio"}.get(plugin, plugin)
            )
            return []
        return [Metric(tag, found, at_ms, step)] if self._kept.key(tag) else []

    def _plugin(self, value: Message) -> str:
        """Which plugin a value is of: said with the first one of a tag."""
        tag = value.text(_TAG)
        if value.has(_METADATA):
            self._plugins.setdefault(tag, value.message(_METADATA).message(1).text(1))
        if value.has(5):
            return "histograms"
        return self._plugins.get(tag, "")

    def _text(self, tag: str, step: int, tensor: Message) -> list[Metric]:
        for text in tensor.several(8):
            if self._fits(text):
                told = text.decode("utf-8", "replace")
                self._texts.setdefault(tag, []).append(f"step {step}\n{told}\n")
        return []

    def _images(self, tag: str, step: int, tensor: Message) -> list[Metric]:
        """Width and height as texts, then the images."""
        for index, image in enumerate(tensor.several(8)[2:]):
            self._image(tag if index == 0 else f"{tag}/{index}", step, image)
        return []

    def _image(self, tag: str, step: int, data: bytes) -> None:
        kinds = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg", b"GIF8": "gif"}
        kind = next((kind for mark, kind in kinds.items() if data.startswith(mark)), "bin")
        if self._fits(data):
            self._kept.file(self._state.files, f"images/{tag}/{step}.{kind}", data)

    def _fits(self, data: bytes) -> bool:
        self._media += len(data)
        if self._media > MOST_MEDIA_BYTES:
            self._kept.leave_out(f"media above {MOST_MEDIA_BYTES >> 20} MB in all")
        return self._media <= MOST_MEDIA_BYTES

    def _session(self, told: Message) -> None:
        """What the HParams plugin noted: params of a session, and how it ended."""
        start, end = told.message(3), told.message(4)
        for entry in start.messages(1):
            params = self._kept.texts({entry.text(1): _plain(entry.message(2))})
            for key, text in params.items():
                self._state.params.setdefault(key, text)
        if start.text(4):
            self._state.tags |= self._kept.texts({"tensorboard.group": start.text(4)})
        if told.has(4):
            failed = end.integer(1) == 2
            self._state.status = Status.FAILED if failed else Status.FINISHED

    def state(self) -> State:
        """After the files were read. They do not say that a training goes on: each end is the last one that is known."""
        state = self._state
        state.ended_ms = self._last_ms or self.origin.started_ms
        for tag, texts in self._texts.items():
            self._kept.file(state.files, f"texts/{tag}.txt", "\n".join(texts).encode())
        told = [f"{name}: {line}" for name, d in self._damage.items() for line in d.told()]
        state.notes = [*told, *self._kept.notes()]
        return state


def _scalar(tensor: Message) -> float | None:
    """The only value of a tensor; None for one that has none, or several."""
    kind = tensor.integer(1)
    if kind in _FORMS:
        form, size, field = _FORMS[kind]
        content = tensor.bytes(4)
        if content:
            return struct.unpack(f"<{form}", content)[0] if len(content) == size else None
        values = tensor.packed(field, form)
        return values[0] if len(values) == 1 else None
    if kind in _WHOLE:
        form, size, field = _WHOLE[kind]
        content = tensor.bytes(4)
        if content:
            return float(struct.unpack(f"<{form}", content)[0]) if len(content) == size else None
        whole = tensor.integers(field)
        return float(whole[0]) if len(whole) == 1 else None
    return None


def _plain(value: Message, depth: int = 0) -> Any:
    """A ``google.protobuf.Value``."""
    if value.has(2):
        number = value.double(2)
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    if value.has(3):
        return value.text(3)
    if value.has(4):
        return bool(value.integer(4))
    if value.has(6) and depth < MOST_DEEP:
        return [_plain(one, depth + 1) for one in value.message(6).messages(1)]
    return None
