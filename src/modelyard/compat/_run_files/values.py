"""Nested values as params and keys, and what has no place here counted for the notes."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from modelyard.base.errors import InvalidPath, ModelyardError
from modelyard.base.paths import artifact_segments
from modelyard.tracking.checks import check_key
from modelyard.tracking.interface import MAX_TEXT

MOST_FILES = 100_000
MOST_DEEP = 50
TYPE = "_type"
"""Of a mapping that W&B makes of an object."""


def flat(data: Any, joint: str = ".", above: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Leaves by their path; what is empty, nested without end, or says what type it is (an image, a table) is a leaf.

    >>> dict(flat({"model": {"depth": 3, "layers": [1, 2]}, "seed": {}}))
    {'model.depth': 3, 'model.layers': [1, 2], 'seed': {}}
    """
    if isinstance(data, Mapping) and data and depth < MOST_DEEP and TYPE not in data:
        for key, value in cast("Mapping[Any, Any]", data).items():
            yield from flat(value, joint, f"{above}{joint}{key}" if above else str(key), depth + 1)
    elif above:
        yield above, data


def spelled(value: Any) -> str:
    """A value as the text of a param: what ``str`` says of one, JSON of several."""
    if isinstance(value, list | dict | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def number(value: Any) -> float | None:
    """A number or a truth as a number; None for anything else, also for what no float can hold."""
    if not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def milliseconds(seconds: float) -> int:
    """Of seconds since 1970; 0 for what is no time."""
    return round(seconds * 1000) if math.isfinite(seconds) and 0 <= seconds < 1e11 else 0


class Kept:
    """Names and values that can be kept here; what cannot is counted by its reason."""

    def __init__(self) -> None:
        self._left_out: Counter[str] = Counter()
        self._keys: dict[str, bool] = {}

    def leave_out(self, what: str, count: int = 1) -> None:
        """Something has no place here."""
        self._left_out[what] += count

    def key(self, key: str) -> bool:
        """Whether a key can be one here."""
        if key not in self._keys:
            try:
                check_key(key)
                self._keys[key] = True
            except ModelyardError as error:
                self._keys[key] = False
                self.leave_out(f"values: {error.message}")
        return self._keys[key]

    def texts(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Those that can be params or tags."""
        found: dict[str, str] = {}
        for key, value in values.items():
            text = spelled(value)
            if len(text) > MAX_TEXT:
                self.leave_out(f"{key}, a value of {len(text):,} characters")
            elif self.key(key):
                found[key] = text
        return found

    def file(self, files: dict[str, Path | bytes], path: str, content: Path | bytes) -> None:
        """Take a file, if its path can be one here."""
        try:
            artifact_segments(path)
        except InvalidPath as error:
            return self.leave_out(f"files: {error.message}")
        if len(files) >= MOST_FILES:
            return self.leave_out(f"files: more than {MOST_FILES:,}")
        files[path] = content
        return None

    def folder(
        self, files: dict[str, Path | bytes], folder: Path, within: Path, prefix: str = ""
    ) -> None:
        """Take all files below a folder. A link is followed when it leads to a file ``within`` another folder."""
        inside = within.resolve()
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() and not _leads_into(path, inside):
                self.leave_out(f"files: {path.name!r} is a link out of {inside.name!r}")
            elif path.is_file():
                self.file(files, prefix + path.relative_to(folder).as_posix(), path)

    def notes(self) -> list[str]:
        """What was left out, a line a reason."""
        return [f"left out {n}x {what}" if n > 1 else f"left out {what}" for what, n in self._left_out.items()]  # fmt: skip


def _leads_into(path: Path, folder: Path) -> bool:
    try:
        return path.resolve(strict=True).is_relative_to(folder)
    except (OSError, RuntimeError):
        return False
