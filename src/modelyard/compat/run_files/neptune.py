"""Runs of Neptune as its exporter writes them: ``data/<project>/<run>_part_<n>.parquet``, and files in ``files/<project>``.

A row is a point of a series, or a value. Float series are the curves; values are the params, those below ``sys/`` what they
say; series of texts and of histograms become files.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.clock import to_rfc3339
from modelyard.base.digests import CHUNK
from modelyard.base.errors import MissingExtra
from modelyard.compat._run_files.values import Kept
from modelyard.tracking.interface import Metric, Status
from modelyard.yard.run_files import Log, Origin, State

NAME = "neptune"

PART = re.compile(r"(.+)_part_(\d{1,6})\.parquet")
COLUMNS = ("project_id", "run_id", "attribute_path", "attribute_type")
VALUES = ("int_value", "float_value", "string_value", "bool_value", "datetime_value", "string_set_value")  # fmt: skip
ROWS = 20_000
LATEST_MS = 60_000_000_000_000
"""Of moments that are shown as such: the year 3871."""
MOST_TEXT_BYTES = 256 << 20
"""Of series of texts and histograms of a run, which are kept in memory until they are files."""


def claims(path: Path) -> bool:
    """A folder with parts of runs, one of such folders, or one that has these as ``data``."""
    return next(_found(path), None) is not None


def runs(path: Path) -> Iterator[NeptuneRun]:
    """The runs there that were exported whole: of those the first part has its name."""
    for parts in _found(path):
        yield NeptuneRun(parts)


def _found(path: Path) -> Iterator[list[Path]]:
    for pattern in ("*_part_0.parquet", "*/*_part_0.parquet", "data/*/*_part_0.parquet"):
        firsts = sorted(p for p in path.glob(pattern) if p.is_file() and not p.is_symlink())
        for first in firsts:
            name = first.name.removesuffix("_part_0.parquet")
            matches = ((p, PART.fullmatch(p.name)) for p in first.parent.iterdir())
            mine = {int(m[2]): p for p, m in matches if m and m[1] == name and not p.is_symlink()}
            yield [part for _, part in sorted(mine.items())]
        if firsts:
            return


class NeptuneRun:
    """A run, in its parts."""

    def __init__(self, parts: Sequence[Path]) -> None:
        self._parts = parts
        self._kept, self._state, self._notes = Kept(), State(), list[str]()
        self._texts: dict[str, list[str]] = {}
        self._text_bytes, self._last_ms = 0, 0
        self.origin = self._origin()

    def _origin(self) -> Origin:
        """What the rows of ``sys/`` say, which may stand anywhere."""
        project = run_id = ""
        told: dict[str, Any] = {}
        for _, row in self._rows([], only="sys/"):
            project, run_id = row["project_id"] or "", row["run_id"] or ""
            told.setdefault(row["attribute_path"], _value(row))
        if not run_id:
            _, first = next(self._rows([]), (0, {}))
            project, run_id = first.get("project_id") or "", first.get("run_id") or ""
        told_id = told.get("sys/custom_run_id") or run_id or self._parts[0].name
        tags = {"neptune.run_id": run_id, "neptune.project": project}
        tags |= {f"neptune.tag.{tag}": "true" for tag in told.get("sys/tags") or ()}
        if told.get("sys/description"):
            tags["mlflow.note.content"] = told["sys/description"]
        began = told.get("sys/creation_time")
        return Origin(
            f"{project}/{run_id or self._parts[0].name}",
            str(self._parts[0]),
            str(told.get("sys/name") or told_id),
            project,
            str(told.get("sys/owner") or ""),
            began if isinstance(began, int) else 0,
            self._kept.texts({key: text for key, text in tags.items() if text}),
        )

    def logs(self) -> Iterator[Log]:
        """All rows are one log; exported anew with other contents it is another one."""
        self._kept, self._state, self._notes = Kept(), State(), []
        self._texts, self._text_bytes, self._last_ms = {}, 0, 0
        digest = hashlib.sha256()
        for part in self._parts:
            with part.open("rb") as file:
                while piece := file.read(CHUNK):
                    digest.update(piece)
        yield Log(digest.hexdigest(), self._points())

    def _points(self) -> Iterator[tuple[int, Sequence[Metric]]]:
        for number, row in self._rows(self._notes):
            kind, key = row["attribute_type"], row["attribute_path"] or ""
            if kind == "float_series":
                point = self._point(key, row)
                if point is not None:
                    yield number, [point]
            else:
                self._take(kind, key, row)

    def _point(self, key: str, row: Mapping[str, Any]) -> Metric | None:
        value, step = row["float_value"], row["step"] or 0
        if value is None or not self._kept.key(key):
            return None
        if step != int(step):
            self._kept.leave_out("fractions of steps, which are rounded down")
        at_ms = row["timestamp"] or self.origin.started_ms
        self._last_ms = max(self._last_ms, at_ms)
        return Metric(key, value, at_ms, int(step // 1))

    def _take(self, kind: str, key: str, row: Mapping[str, Any]) -> None:
        if kind == "string_series":
            self._text(f"texts/{key}.txt", row["string_value"] or "")
        elif kind == "histogram_series":
            told = {"step": float(row["step"] or 0), "histogram": row["histogram_value"]}
            self._text(f"histograms/{key}.jsonl", json.dumps(told, default=str))
        elif kind in ("file", "file_series"):
            self._file(key, row)
        elif key.startswith("sys/"):
            self._own(key, _value(row))
        elif (value := _value(row)) is not None:
            if kind == "datetime" and isinstance(value, int) and abs(value) < LATEST_MS:
                value = to_rfc3339(value)
            for name, text in self._kept.texts({key: value}).items():
                self._state.params.setdefault(name, text)

    def _own(self, key: str, value: Any) -> None:
        if key == "sys/failed" and value:
            self._state.status = Status.FAILED
        elif key == "sys/modification_time" and isinstance(value, int):
            self._state.ended_ms = value
        elif isinstance(value, str | int | float) and value != "":
            self._state.tags |= self._kept.texts({f"neptune.{key}": value})

    def _text(self, path: str, text: str) -> None:
        self._text_bytes += len(text)
        if self._text_bytes > MOST_TEXT_BYTES:
            return self._kept.leave_out(f"texts above {MOST_TEXT_BYTES >> 20} MB in all")
        self._texts.setdefault(path, []).append(text)
        return None

    def _file(self, key: str, row: Mapping[str, Any]) -> None:
        """A file, or all files of a folder, where the exporter put it."""
        project = self._parts[0].parent
        root = project.parent.parent / "files" / project.name
        told = (row["file_value"] or {}).get("path") or ""
        path = root / told
        if not told or not path.exists() or not path.resolve().is_relative_to(root.resolve()):
            return self._kept.leave_out("files that are not in the folder files beside data")
        name = key if row["step"] is None else f"{key}/step_{row['step'].normalize():f}"
        if path.is_dir():
            return self._kept.folder(self._state.files, path, root, f"{name}/")
        name = name if name.endswith(path.suffix) else name + path.suffix
        return self._kept.file(self._state.files, name, path)

    def state(self) -> State:
        """After the rows were read."""
        state = self._state
        state.ended_ms = state.ended_ms or self._last_ms or self.origin.started_ms or None
        for path, texts in self._texts.items():
            self._kept.file(state.files, path, ("\n".join(texts) + "\n").encode())
        state.notes = [*self._notes, *self._kept.notes()]
        return state

    def _rows(self, notes: list[str], only: str = "") -> Iterator[tuple[int, dict[str, Any]]]:
        """The rows of all parts by their number; moments are milliseconds. A part that is damaged is told."""
        number = 0
        for part in self._parts:
            try:
                for row in _rows_of(part):
                    number += 1
                    if row["attribute_path"].startswith(only):
                        yield number, row
            except ValueError as error:
                notes.append(f"{part.name} cannot be read: {str(error).splitlines()[0][:200]}")


def _rows_of(part: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file; `ValueError` for one that is damaged or another table."""
    pa, pq = _arrow()
    moment = pa.timestamp("ms", "UTC")
    types = {"step": pa.decimal128(18, 6), "timestamp": moment, "datetime_value": moment}
    types |= {"int_value": pa.int64(), "float_value": pa.float64(), "bool_value": pa.bool_()}
    types |= {"string_set_value": pa.list_(pa.string())}
    types |= {"file_value": pa.struct([("path", pa.string())]), "histogram_value": None}
    names = [*COLUMNS, "string_value", *types]
    try:
        with pq.ParquetFile(part) as file:
            if lacking := [name for name in COLUMNS if name not in file.schema_arrow.names]:
                raise ValueError(f"it has no column {', '.join(lacking)}")
            for batch in file.iter_batches(batch_size=ROWS):
                columns: list[list[Any]] = []
                for name in names:
                    at = batch.schema.get_field_index(name)
                    column = pa.nulls(batch.num_rows) if at < 0 else batch.column(at)
                    wanted = types.get(name, pa.string())
                    if at >= 0 and wanted is not None and column.type != wanted:
                        column = column.cast(wanted)
                    if at >= 0 and wanted == moment:
                        column = column.cast(pa.int64())
                    columns.append(column.to_pylist())
                for values in zip(*columns, strict=True):
                    row = dict(zip(names, values, strict=True))
                    row["attribute_path"] = row["attribute_path"] or ""
                    yield row
    except (pa.ArrowException, OSError) as error:
        raise ValueError(str(error) or type(error).__name__) from None


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise MissingExtra("an export of Neptune", "arrow") from error
    return pa, pq


def _value(row: Mapping[str, Any]) -> Any:
    """What a row that is no series says."""
    return next((row[name] for name in VALUES if row[name] is not None), None)
