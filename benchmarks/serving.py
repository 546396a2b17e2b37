"""One row to a served pipeline, at 1 and at 32 connections, and the time to be ready. ``python -m benchmarks.serving --help``

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

READY = Row("ready to serve, from the command to the first right answer", "s", "less")
CONNECTIONS = (1, 32)
ROWS = [READY] + [
    row
    for number in CONNECTIONS
    for row in (
        Row(f"one row, {number} connection{'s' * (number > 1)}", "requests/s", "more"),
        Row(f"p99 at {number}", "s", "less"),
        Row(f"errors at {number}", "%", "less"),
    )
]


def turn(prepared: Prepared, seconds: float) -> Measurement:
    """Start, warm up, load at each number of connections, end."""
    with running(prepared) as server:
        load(server.url, prepared, 1, min(seconds, 1.0))
        found = [server.ready]
        for connections in CONNECTIONS:
            seen = load(server.url, prepared, connections, seconds)
            found += [seen["rate"], seen["p99"], seen["errors"]]
    return {row.title: value for row, value in zip(ROWS, found, strict=True)}


def records() -> list[dict[str, float]]:
    """One row, as any client would send it."""
    _, data = work.pipeline()
    return data.head(1).to_dict(orient="records")


def main() -> None:
    known = peers.those_with("serve")
    parser = arguments(__doc__, known)
    parser.add_argument("--seconds", type=float, default=5.0, help="of load, each time")
    asked = parser.parse_args()
    names = chosen(asked, known)
    with tempfile.TemporaryDirectory() as folder:
        prepared, failures = prepare(names, Path(folder), records())
        contest = Contest(ROWS, failures)
        turns = {name: partial(turn, saved, asked.seconds) for name, saved in prepared.items()}
        rows = contest.run(turns, asked.rounds)
    publish("serving", rows, contest.failures, names, keep=not asked.no_write)


if __name__ == "__main__":
    main()
