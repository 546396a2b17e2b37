"""Metrics, parameters and plots of a model: of its card, and of the files that its project keeps beside it, at any commit.

The files are those that ``dvc.yaml`` names and those that DVCLive writes, of the nearest folder above the model that has any.

>>> from modelyard.stores.folders.local import LocalFolder
>>> measures_in(LocalFolder("."), "models/churn").metrics  # doctest: +SKIP
{'train.acc': 0.97}
"""

from __future__ import annotations

import importlib
import math
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import ModelyardError
from modelyard.base.notes import note
from modelyard.base.project import find_root
from modelyard.base.refs import BareRef, GitRef, PathRef, parse
from modelyard.objects.source import Source
from modelyard.stores.folders.interface import Folder
from modelyard.yard._measures.values import (  # fmt: skip
    PICTURES,
    Value,
    flat,
    number,
    read,
    structure,
    table,
    thinned,
)
from modelyard.yard.annotations import files_below

if TYPE_CHECKING:
    from modelyard.yard.versions import RegisteredVersion

_SAYS_WHERE = "modelyard.yard._measures.dvc"
"""The module that knows another product's way to say which files hold measures: ``sources_in``."""


@dataclass(frozen=True)
class Plot:
    """A plot as data."""

    name: str
    columns: Mapping[str, Sequence[Value]]
    x: str = ""
    """The column for the horizontal axis; empty: the row's place."""
    y: Sequence[str] = ()
    title: str = ""
    x_label: str = ""
    y_label: str = ""
    template: str = ""
    rows: int = 0
    """How many there are; of very many ``columns`` holds only some."""


@dataclass
class Measures:
    """What was measured of a model."""

    metrics: dict[str, float] = field(default_factory=dict[str, float])
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    plots: list[Plot] = field(default_factory=list[Plot])
    files: list[str] = field(default_factory=list[str])
    """Where it was read, besides the card."""
    notes: list[str] = field(default_factory=list[str])
    """What could not be read, a line each."""

    def __bool__(self) -> bool:
        return bool(self.files or self.notes)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON, where NaN and the infinities are texts."""
        metrics = {n: v if math.isfinite(v) else str(v) for n, v in self.metrics.items()}
        plots = [
            {
                **asdict(plot),
                "columns": {n: list(map(_plain, c)) for n, c in plot.columns.items()},
                "y": list(plot.y),
            }
            for plot in self.plots
        ]
        return {**asdict(self), "metrics": metrics, "plots": plots}


def _plain(value: Value) -> Value:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def measures_of(source: Source) -> Measures:
    """All that was measured of an object: what its card says wins over files."""
    found = Measures()
    place = place_of(source)
    if place is not None:
        try:
            found = measures_in(*place)
        except ModelyardError as error:
            found.notes.append(error.message)
    found.metrics |= dict(source.card.metrics)
    return found


def metrics_of(version: RegisteredVersion) -> dict[str, float]:
    """The metrics of a registered version: those kept with it, and those of its commit's files."""
    kept = dict(version.metrics)
    try:
        place = place_of(version.source)
        return {**(measures_in(*place).metrics if place else {}), **kept}
    except ModelyardError as error:
        note(f"only the metrics kept with {version.ref} are known: {error.message}")
        return kept


def place_of(source: Source) -> tuple[Folder, str] | None:
    """The project that an object is in, and its path there; None where nobody knows."""
    origin: Mapping[str, Any] = source.provenance.get("origin") or source.provenance
    git, path = origin.get("git"), origin.get("path")
    if git:
        return at_commit(git, str(path or _path_in(source.ref) or ""))
    if path or not source.ref or "://" in source.ref or source.version:
        return None
    from modelyard.stores.folders.local import LocalFolder
    from modelyard.stores.folders.overlays import overlaid

    here = Path(source.ref).absolute()
    root = find_root(here.parent)
    if not here.is_relative_to(root):
        return None
    return overlaid(LocalFolder(root)), here.relative_to(root).as_posix()


def at_commit(git: Mapping[str, Any], path: str) -> tuple[Folder, str]:
    """A path in a repository at a commit, as it was recorded."""
    from modelyard.stores.folders.git import GitFolder
    from modelyard.stores.folders.overlays import overlaid
    from modelyard.stores.git.repository import open_repository

    folder = GitFolder(open_repository(str(git["repo"])), str(git["commit"]))
    return overlaid(folder), path


def _path_in(ref: str) -> str | None:
    parsed = parse(ref) if "://" in ref else None
    if isinstance(parsed, GitRef) and isinstance(parsed.object, PathRef | BareRef):
        return str(getattr(parsed.object, "path", None) or getattr(parsed.object, "text", ""))
    return None


def measures_in(folder: Folder, path: str) -> Measures:
    """What the project's files say of the object at a path."""
    found = Measures()
    place = path
    while place:
        place = posixpath.dirname(place)
        sources = importlib.import_module(_SAYS_WHERE).sources_in(folder, place)
        if sources:
            _Reader(folder, found).read(sources)
            break
    return found


class _Reader:
    """Reads the files of some sources."""

    def __init__(self, folder: Folder, found: Measures) -> None:
        self._folder, self._found = folder, found

    def read(self, sources: Any) -> None:
        """All of them; what cannot be read is noted and passed over."""
        self._found.notes += sources.notes
        self._folder.fetch([*sources.metrics, *sources.params])
        for path in sources.metrics:
            for name, value in self._leaves(path):
                if (measured := number(value)) is not None:
                    self._metric(name, measured, path)
        for path in sources.params:
            self._found.params |= dict(self._leaves(path))
        for spec in sources.plots:
            self._found.plots += self._plots(spec)

    def _metric(self, name: str, value: float, path: str) -> None:
        """A name that another file has, too, carries its own."""
        known = self._found.metrics
        if name in known and known[name] != value:
            name = f"{path}:{name}"
        known[name] = value

    def _leaves(self, path: str) -> list[tuple[str, Any]]:
        data = self._bytes(path)
        try:
            return [] if data is None else list(flat(structure(data, path)))
        except ModelyardError as error:
            self._found.notes.append(error.message)
            return []

    def _bytes(self, path: str) -> bytes | None:
        try:
            data = read(self._folder, path)
        except ModelyardError as error:
            self._found.notes.append(f"{path} is not read: {error.message}")
            return None
        if path not in self._found.files:
            self._found.files.append(path)
        return data

    def _plots(self, spec: Any) -> Iterator[Plot]:
        """A folder is a plot a file; columns of several files stand in one plot."""
        files = [(file, ys) for path, ys in spec.ys for file in self._expanded(path)]
        several = len(spec.ys) > 1
        tables = [
            (file, ys, self._table(file)) for file, ys in files if not file.endswith(PICTURES)
        ]
        loaded = [(file, ys, rows) for file, ys, rows in tables if rows]
        if several and loaded:
            yield self._joined(spec, loaded)
            return
        for file, ys, rows in loaded:
            x = spec.xs.get(file, spec.x)
            x = x if x in rows[0] else ""
            y = [c for c in ys if c in rows[0]] or _default_y(rows[0], x)
            name = spec.name if len(files) == 1 else file
            yield _plot(spec, name, x, y, rows)

    def _joined(self, spec: Any, loaded: Sequence[tuple[str, Sequence[str], Any]]) -> Plot:
        columns: dict[str, Sequence[Value]] = {}
        y: list[str] = []
        x, longest = "", 0
        for file, ys, rows in loaded:
            mine = spec.xs.get(file, spec.x)
            if mine in rows[0]:
                x = x or f"{file}:{mine}"
                columns[f"{file}:{mine}"] = [row.get(mine) for row in thinned(rows)]
            for column in ys or _default_y(rows[0], mine):
                y.append(f"{file}:{column}")
                columns[y[-1]] = [row.get(column) for row in thinned(rows)]
            longest = max(longest, len(rows))
        return Plot(spec.name, columns, x, tuple(y), *_words(spec), longest)

    def _table(self, path: str) -> list[dict[str, Value]]:
        data = self._bytes(path)
        try:
            return [] if data is None else table(data, path)
        except ModelyardError as error:
            self._found.notes.append(error.message)
            return []

    def _expanded(self, path: str) -> list[str]:
        entry = self._folder.entry(path)
        if entry is None:
            self._found.notes.append(f"{path} is not there")
            return []
        if not entry.is_folder:
            return [path]
        files = sorted(files_below(self._folder, path))
        self._folder.fetch(files)
        return files


def _plot(
    spec: Any, name: str, x: str, y: Sequence[str], rows: Sequence[Mapping[str, Value]]
) -> Plot:
    some = thinned(rows)
    columns = {column: [row.get(column) for row in some] for column in rows[0]}
    return Plot(name, columns, x, tuple(y), *_words(spec), len(rows))


def _words(spec: Any) -> tuple[str, str, str, str]:
    return spec.title, spec.x_label, spec.y_label, spec.template


def _default_y(row: Mapping[str, Value], x: str) -> list[str]:
    """The last column is what is plotted, where nothing else is said."""
    return [name for name in row if name != x][-1:]
