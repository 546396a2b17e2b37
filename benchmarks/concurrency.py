"""Latency against the number of connections, as a table and as pictures for the docs. ``python -m benchmarks.concurrency --help``

One row a request to the pipeline. Each server starts once a round and is loaded at every number of connections in turn.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import peers
from benchmarks.harness import Contest, Row, arguments, chosen
from benchmarks.report import RESULTS, publish
from benchmarks.servers import prepare
from benchmarks.serving import rows_of, turn

MODEL = "pipeline"
CONNECTIONS = (1, 2, 4, 8, 16, 32, 64, 128)
PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "serving-latency.svg"
COLOURS = {"modelyard": "#0b6e4f", "compiled": "#3fa34d"}
OTHERS = ("#b0413e", "#c9822b", "#6a4c93", "#4f6d7a", "#8d6a9f")


def main() -> None:
    known = peers.those_with("serve")
    parser = arguments(__doc__, known, rounds=2)
    parser.add_argument("--seconds", type=float, default=3.0, help="of load, each time")
    parser.add_argument("--only-draw", action="store_true", help="from the figures kept before")
    asked = parser.parse_args()
    if not asked.only_draw:
        measure(chosen(asked, known), asked.rounds, asked.seconds, keep=not asked.no_write)
    if not asked.no_write:
        draw(json.loads((RESULTS / "concurrency.json").read_text()))


def measure(names: Sequence[str], rounds: int, seconds: float, *, keep: bool) -> None:
    """Load everybody at every number of connections, and publish."""
    rows = rows_of(MODEL, CONNECTIONS)
    with tempfile.TemporaryDirectory() as folder:
        prepared, failures = prepare(names, Path(folder), MODEL)
        contest = Contest(rows, failures)
        turns = {n: partial(turn, p, rows, CONNECTIONS, seconds) for n, p in prepared.items()}
        measured = contest.run(turns, rounds)
    publish("concurrency", measured, contest.failures, names, keep=keep)


def draw(result: Mapping[str, Any]) -> None:
    """Median latencies and rates of a kept result as one picture."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "modelyard"})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(12, 4), layout="constrained")
    rows = {row["title"]: Row(**row) for row in result["rows"]}
    for axis, (label, title, scale) in zip(axes, PANELS, strict=True):
        for name in names_of(rows):
            points = curve(rows, title, name, scale)
            axis.plot(
                *zip(*points, strict=True),
                label=name,
                color=colour(name, names_of(rows)),
                marker="o",
                markersize=3,
            )
        axis.set(xscale="log", yscale="log", xlabel="connections", title=label)
        axis.set_xticks(CONNECTIONS, [str(number) for number in CONNECTIONS])
        axis.grid(alpha=0.3)
    axes[0].legend(frameon=False, fontsize="small")
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, metadata={"Date": None})


PANELS = (
    ("median latency, ms", f"{MODEL}: p50 at {{}}", 1000),
    ("99th percentile, ms", f"{MODEL}: p99 at {{}}", 1000),
    ("requests a second", f"{MODEL}: one row, {{}}", 1),
)


def names_of(rows: Mapping[str, Row]) -> list[str]:
    """The contenders that were measured."""
    return list(next(iter(rows.values())).samples)


def curve(rows: Mapping[str, Row], title: str, name: str, scale: float) -> list[tuple[int, float]]:
    """Connections and the median of the rounds."""
    points = []
    for number in CONNECTIONS:
        shown = f"{number} connection{'s' * (number > 1)}" if "one row" in title else str(number)
        points.append((number, scale * median(rows[title.format(shown)].samples[name])))
    return points


def colour(name: str, names: Sequence[str]) -> str:
    """Ours in green, everybody else in another one."""
    others = [other for other in names if other not in COLOURS]
    return COLOURS.get(name) or OTHERS[others.index(name) % len(OTHERS)]


if __name__ == "__main__":
    main()
