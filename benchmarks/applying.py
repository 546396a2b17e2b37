"""Predictions for a file of a million rows, beside a hand-written loop over pieces. ``python -m benchmarks.applying --help``

A contender is one process that reads, predicts and writes; its memory is what it held at most beyond its libraries.
"""

from __future__ import annotations

import json
import tempfile
from functools import partial
from pathlib import Path

from benchmarks import peers
from benchmarks.environments import Failed
from benchmarks.harness import Contest, Measurement, Row, arguments, chosen
from benchmarks.report import publish
from benchmarks.servers import prepare

FORMATS = ("csv", "parquet")


def rows_of(suffix: str) -> list[Row]:
    return [
        Row(f"apply to a {suffix} file", "rows/s", "more"),
        Row(f"apply to a {suffix} file, memory", "MB", "less"),
    ]


def turn(name: str, folder: Path, data: Path, rows: int) -> Measurement:
    output = folder / f"predictions{data.suffix}"
    worker = ("-m", "benchmarks.worker", "apply", name)
    said = peers.environment(name).run(*worker, folder, data, output)
    done = json.loads(said.splitlines()[-1])
    if done["rows"] != rows:
        raise Failed(f"wrote {done['rows']} predictions for {rows} rows")
    speed, memory = rows_of(data.suffix[1:])
    return {speed.title: rows / done["seconds"], memory.title: done["bytes"] / 1e6}


def write_table(path: Path, rows: int) -> None:
    """In a process of its own: the harness itself stays small, as its memory is next to what is measured."""
    environment = peers.environment("handwritten")
    environment.run("-m", "benchmarks.worker", "table", path, str(rows))


def main() -> None:
    known = peers.those_with("apply")
    parser = arguments(__doc__, known, rounds=3)
    parser.add_argument("--rows", type=int, default=1_000_000)
    asked = parser.parse_args()
    names = chosen(asked, known)
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        prepared, failures = prepare(names, folder, "pipeline")
        for suffix in FORMATS:
            data = folder / f"data.{suffix}"
            write_table(data, asked.rows)
            contest = Contest(rows_of(suffix))
            turns = {
                name: partial(turn, name, saved.folder, data, asked.rows)
                for name, saved in prepared.items()
            }
            rows += contest.run(turns, asked.rounds)
            failures |= {f"{name}, {suffix}": why for name, why in contest.failures.items()}
            data.unlink()
    publish("applying", rows, failures, names, keep=not asked.no_write)


if __name__ == "__main__":
    main()
