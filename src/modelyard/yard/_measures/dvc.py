"""Which files of a project hold measures: those that ``dvc.yaml`` names, and those that DVCLive writes.

``metrics:``, ``params:`` and ``plots:`` stand at the top and in stages; a plot is a file, a folder of files, or a name with
its columns and files. What stands there as a template (``${…}``) is only known to who runs the pipeline: it is told and
passed over.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from modelyard.base.errors import InvalidInput
from modelyard.stores.folders.interface import Folder
from modelyard.yard._measures.values import read
from modelyard.yard.annotations import PIPELINE, yaml

LIVE = "dvclive"


@dataclass(frozen=True, slots=True)
class PlotSpec:
    """A plot that is to be read: columns of files. Empty where nothing is said."""

    name: str
    ys: Sequence[tuple[str, Sequence[str]]]
    """File or folder, and its columns; all of them, or the last, when none is named."""
    x: str = ""
    xs: Mapping[str, str] = field(default_factory=dict[str, str])
    """The same by file."""
    title: str = ""
    x_label: str = ""
    y_label: str = ""
    template: str = ""


@dataclass
class Sources:
    """Where measures are, from the root of the folder."""

    metrics: list[str] = field(default_factory=list[str])
    params: list[str] = field(default_factory=list[str])
    plots: list[PlotSpec] = field(default_factory=list[PlotSpec])
    notes: list[str] = field(default_factory=list[str])

    def __bool__(self) -> bool:
        return bool(self.metrics or self.params or self.plots or self.notes)


def sources_in(folder: Folder, place: str) -> Sources:
    """What a folder of the project says, itself: its pipeline's file, and DVCLive's folder in it."""
    found = Sources()
    file = posixpath.join(place, PIPELINE)
    entry = folder.entry(file)
    if entry is not None and not entry.is_folder:
        _Pipeline(place, file, found).read(yaml(read(folder, file), file))
    _live(folder, posixpath.join(place, LIVE), found)
    return found


def _live(folder: Folder, live: str, found: Sources) -> None:
    """What no pipeline's file names, as DVCLive leaves it without one."""
    named = {*found.metrics, *found.params, *(file for p in found.plots for file, _ in p.ys)}
    entry = folder.entry(live)
    if entry is None or not entry.is_folder:
        return
    for file, into in (("metrics.json", found.metrics), ("params.yaml", found.params)):
        path = f"{live}/{file}"
        if path not in named and folder.entry(path) is not None:
            into.append(path)
    for below, x in (("metrics", "step"), ("sklearn", ""), ("custom", "")):
        path = f"{live}/plots/{below}"
        inside = any(file == path or file.startswith(f"{path}/") for file in named)
        if not inside and folder.entry(path) is not None:
            found.plots.append(PlotSpec(path, [(path, ())], x))


class _Pipeline:
    """Reads a ``dvc.yaml``."""

    def __init__(self, place: str, file: str, found: Sources) -> None:
        self._place, self._file, self._found = place, file, found

    def read(self, data: Any) -> None:
        """Its top, then each stage."""
        if data is None:
            return
        if not isinstance(data, dict):
            raise InvalidInput(f"{self._file} is no mapping")
        top = cast("dict[str, Any]", data)
        self._files(top.get("metrics"), self._place, self._found.metrics)
        self._files(top.get("params"), self._place, self._found.params)
        self._plots(top.get("plots"), self._place)
        stages = top.get("stages")
        for name, stage in cast(
            "dict[str, Any]", stages if isinstance(stages, dict) else {}
        ).items():
            self._stage(str(name), stage)

    def _stage(self, name: str, stage: Any) -> None:
        if isinstance(stage, dict) and isinstance(stage.get("do"), dict):
            stage = cast("dict[str, Any]", stage)["do"]
        if not isinstance(stage, dict):
            return
        known = cast("dict[str, Any]", stage)
        if not (known.get("metrics") or known.get("plots")):
            return
        wdir = str(known.get("wdir") or ".")
        if self._is_template(wdir, f"stage {name}"):
            return
        place = posixpath.normpath(posixpath.join(self._place, wdir))
        place = "" if place == "." else place
        self._files(known.get("metrics"), place, self._found.metrics)
        self._plots(known.get("plots"), place)

    def _files(self, listed: Any, place: str, into: list[str]) -> None:
        for word, _ in _entries(listed):
            path = self._path(word, place)
            if path is not None and path not in into:
                into.append(path)

    def _plots(self, listed: Any, place: str) -> None:
        known = {spec.name for spec in self._found.plots}
        for word, options in _entries(listed):
            spec = self._plot(word, options, place)
            if spec is not None and spec.name not in known:
                self._found.plots.append(spec)

    def _plot(self, word: str, options: Mapping[str, Any], place: str) -> PlotSpec | None:
        y, x = options.get("y"), options.get("x")
        by_file = isinstance(y, dict)
        columns = cast("dict[str, Any]", y) if by_file else {word: y}
        ys: list[tuple[str, Sequence[str]]] = []
        for file, named in columns.items():
            path = self._path(str(file), place)
            if path is None:
                return None
            ys.append((path, _texts(named)))
        xs = cast("dict[str, Any]", x) if isinstance(x, dict) else {}
        return PlotSpec(
            word if by_file else ys[0][0],
            ys,
            "" if isinstance(x, dict) or x is None else str(x),
            {
                p: str(c)
                for file, c in xs.items()
                if (p := self._path(str(file), place)) is not None
            },
            *(str(options.get(key) or "") for key in ("title", "x_label", "y_label", "template")),
        )

    def _path(self, word: str, place: str) -> str | None:
        """A path from the root of the project; None for a template or one that leads out of it."""
        if self._is_template(word, word):
            return None
        path = posixpath.normpath(posixpath.join(place, word))
        if path.startswith(("/", "../")) or path in ("..", "."):
            self._found.notes.append(f"{self._file}: {word} is not in the project")
            return None
        return path

    def _is_template(self, text: str, what: str) -> bool:
        if "${" not in text:
            return False
        self._found.notes.append(f"{self._file}: {what} is a template, passed over")
        return True


def _entries(listed: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """``[path, {path: options}]`` or ``{path: options}`` alike; options may be absent."""
    items = cast("list[Any]", listed if isinstance(listed, list) else [listed])
    for item in items:
        if isinstance(item, str):
            yield item, {}
        elif isinstance(item, dict):
            for word, options in cast("dict[Any, Any]", item).items():
                yield (
                    str(word),
                    cast("dict[str, Any]", options if isinstance(options, dict) else {}),
                )


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(v) for v in cast("list[Any]", value)] if isinstance(value, list) else [str(value)]
