"""One row to served models, at several numbers of connections, and the time to be ready. ``python -m benchmarks.serving --help``

Load and server share the machine, as they do for everyone here. Only answers without error count.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from benchmarks import peers, work
from benchmarks.harness import Contest, Measurement, Row, arguments, chosen
from benchmarks.report import publish
from benchmarks.servers import Prepared, load, prepare, running

PIPELINE = "pipeline"
"""Has a section of its own in the README; the other models share one."""


def rows_of(model: str, connections: tuple[int, ...]) -> list[Row]:
    """The rows of one model: how long it takes to be ready, then rate, latency and errors at each load."""
    rows = [Row(f"{model}: ready, from the command to the first right answer", "s", "less")]
    for number in connections:
        with_connections = f"{number} connection{'s' * (number > 1)}"
        rows += [
            Row(f"{model}: one row, {with_connections}", "requests/s", "more"),
            Row(f"{model}: p50 at {number}", "s", "less"),
            Row(f"{model}: p99 at {number}", "s", "less"),
            Row(f"{model}: errors at {number}", "%", "less"),
        ]
    return rows


def turn(
    prepared: Prepared, rows: list[Row], connections: tuple[int, ...], seconds: float
) -> Measurement:
    """Start, warm up, load at each number of connections, end."""
    with running(prepared) as server:
        load(server.url, prepared, 1, min(seconds, 1.0))
        found = [server.ready]
        for number in connections:
            seen = load(server.url, prepared, number, seconds)
            found += [seen["rate"], seen["p50"], seen["p99"], seen["errors"]]
    return {row.title: value for row, value in zip(rows, found, strict=True)}


def main() -> None:
    known = peers.those_with("serve")
    parser = arguments(__doc__, known)
    parser.add_argument("--seconds", type=float, default=5.0, help="of load, each time")
    parser.add_argument(
        "--models", default=PIPELINE, help=f"what to serve: {', '.join(work.MODELS)}"
    )
    parser.add_argument("--connections", default="1,32", help="at one time")
    asked = parser.parse_args()
    names = chosen(asked, known)
    connections = tuple(int(number) for number in asked.connections.split(","))
    measured: list[Row] = []
    failures: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for model in asked.models.split(","):
            prepared, unsaved = prepare(names, Path(folder), model)
            rows = rows_of(model, connections)
            contest = Contest(rows, unsaved)
            turns = {
                name: partial(turn, saved, rows, connections, asked.seconds)
                for name, saved in prepared.items()
            }
            measured += contest.run(turns, asked.rounds)
            failures |= {f"{name}, {model}": why for name, why in contest.failures.items()}
    family = "serving" if asked.models == PIPELINE else "serving-models"
    publish(family, measured, failures, names, keep=not asked.no_write)


if __name__ == "__main__":
    main()
