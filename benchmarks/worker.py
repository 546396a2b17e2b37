"""Runs inside a contender's environment, does one piece of work there, and prints one line of JSON.

``python -m benchmarks.worker save NAME HOW MODEL``       seconds of one save, when warm
``python -m benchmarks.worker prepare NAME FOLDER MODEL`` saves a model to be served; prints a request and its right answer
``python -m benchmarks.worker apply NAME FOLDER DATA OUT``  seconds, bytes of memory at the peak beyond the libraries', rows
``python -m benchmarks.worker table FILE ROWS``           writes the file that apply reads
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import work
from benchmarks.peers import peer

SECONDS = 3.0
"""Fast work is repeated for about this long, slow work is done once more after its warm-up."""


def save(name: str, how: str, model: str) -> Any:
    fitted, data = work.MODELS[model]()

    def one() -> float:
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            peer(name).SAVES[how](fitted, data, Path(folder))
            return time.perf_counter() - started

    one()
    taken = [one()]
    while sum(taken) < SECONDS and len(taken) < 50:
        taken.append(one())
    return median(taken)


def prepare(name: str, folder: str, model: str = "pipeline") -> Any:
    fitted, data = work.MODELS[model]()
    save = getattr(peer(name), "SAVE_NETWORK", None) if model == "network" else None
    (save or next(iter(peer(name).SAVES.values())))(fitted, data, Path(folder))
    row = work.head(data, 1)
    return {"request": row, "answer": work.predictor(fitted)(row)}


def apply(name: str, folder: str, data: str, output: str) -> Any:
    work.pipeline()  # the libraries are loaded before the clock and the memory are looked at
    before = peak()
    started = time.perf_counter()
    peer(name).apply(Path(folder), Path(data), Path(output))
    seconds, memory = time.perf_counter() - started, peak() - before
    return {"seconds": seconds, "bytes": memory, "rows": count(Path(output))}


def count(path: Path) -> int:
    """Rows of a csv file with a header, or of a parquet file."""
    if path.suffix == ".csv":
        with path.open() as lines:
            return sum(1 for _ in lines) - 1
    import pyarrow.parquet

    return pyarrow.parquet.read_metadata(path).num_rows


def peak() -> int:
    """The most memory this process has held, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def table(path: str, rows: str) -> Any:
    work.write_table(Path(path), int(rows))
    return Path(path).stat().st_size


def main(task: str, *arguments: str) -> None:
    tasks: dict[str, Callable[..., Any]] = {
        "save": save,
        "prepare": prepare,
        "apply": apply,
        "table": table,
    }
    print(
        "\n" + json.dumps(tasks[task](*arguments))
    )  # a line of its own, whatever a library printed


if __name__ == "__main__":
    main(*sys.argv[1:])
