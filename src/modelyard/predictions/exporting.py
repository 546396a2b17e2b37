"""Write predictions to a file: JSON lines or CSV, as many as there are, a few at a time in memory."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TextIO, get_args

from modelyard.base.clock import to_rfc3339
from modelyard.base.errors import UnsupportedFormat
from modelyard.base.paths import replacing
from modelyard.predictions.interface import Prediction, PredictionLog, PredictionQuery

Format = Literal["jsonl", "csv"]
Values = Mapping[str, Any]

COLUMNS = (
    "id", "at", "model", "method", "reference_id", "inputs", "outputs", "actual", "latency_ms", "caller",
    "request_id", "row", "arm", "error", "model_version_id", "dataset_id", "digest",
)  # fmt: skip


def export(
    log: PredictionLog, query: PredictionQuery, path: str | Path, format: Format | None = None
) -> int:
    """Write what a query selects, newest first, and return how many there were.

    Without ``format`` the file's ending decides. The file appears when it is complete; an earlier one is replaced.
    """
    path = Path(path)
    writer = _WRITERS.get(format or path.suffix.removeprefix("."))
    if writer is None:
        raise UnsupportedFormat(
            f"predictions cannot be exported as {format or path.name!r}",
            hint=f"name a format, or end the file in one: {', '.join(get_args(Format))}",
        )
    # What UTF-8 cannot say (half a surrogate pair) becomes the escape that JSON reads back.
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream,
    ):
        return _each(writer(stream), map(row, log.list(query)))


def row(prediction: Prediction) -> dict[str, Any]:
    """A prediction as people and other programs read it; the time as RFC 3339."""
    values = {name: getattr(prediction, name) for name in COLUMNS if name != "at"}
    return {"id": prediction.id, "at": to_rfc3339(prediction.at_ms), **values}


def _each(write: Callable[[Values], object], rows: Iterable[Values]) -> int:
    written = 0
    for number, values in enumerate(rows, 1):
        write(values)
        written = number
    return written


def _jsonl(stream: TextIO) -> Callable[[Values], object]:
    return lambda values: stream.write(_json(values) + "\n")


def _csv(stream: TextIO) -> Callable[[Values], object]:
    """What may be nested stands as JSON in its cell."""
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(COLUMNS)
    return lambda values: table.writerow([_cell(name, values[name]) for name in COLUMNS])


def _cell(column: str, value: Any) -> Any:
    if value is None:
        return ""
    return _json(value) if column in ("inputs", "outputs", "actual") else value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_WRITERS: Mapping[str, Callable[[TextIO], Callable[[Values], object]]] = {
    "jsonl": _jsonl,
    "csv": _csv,
}
