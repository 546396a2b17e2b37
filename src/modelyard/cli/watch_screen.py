"""Runs and their curves as a screen: a table with a line a run, and below it as many charts as there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelyard.base.clock import now_ms
from modelyard.base.notes import printable
from modelyard.cli.curves import canvas, labels, sampled, spanned, sparkline
from modelyard.tracking.interface import Bucket, Metric, Run, Status
from modelyard.yard.watching import Seen

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red", "bright_cyan", "bright_magenta")
SIGNS = {
    Status.RUNNING: ("●", "green"),
    Status.SCHEDULED: ("○", "cyan"),
    Status.FINISHED: ("✓", "dim"),
    Status.FAILED: ("✗", "red"),
    Status.KILLED: ("✗", "yellow"),
    Status.LOST: ("?", "yellow"),
}
SPARK = 10
CHART_LINES = 10
"""Of a chart, in a frame without a height; no chart has fewer than `LEAST_LINES`."""
LEAST_LINES = 6
WIDE = 100
"""From so many columns on two charts stand beside each other."""
METRIC_WIDTH = 24


def frame(
    seen: Seen, console: Console, *, height: int | None = None, first: int = 0, hint: str = ""
) -> RenderableType:
    """The whole picture. ``first`` is the metric that the charts begin with; without a height all charts are there."""
    from rich.console import Group
    from rich.text import Text

    width, plain = console.width, not _braille(console)
    keys = [*seen.keys[first:], *seen.keys[:first]]
    parts: list[RenderableType] = [_head(seen, width, hint), _table(seen, keys, width, plain)]
    columns = 2 if width >= WIDE and len(keys) > 1 else 1
    rows = -(-len(keys) // columns)
    lines = CHART_LINES
    if height is not None:
        left = height - len(seen.runs) - 3
        rows = min(rows, max(0, left // (LEAST_LINES + 2)))
        lines = max(LEAST_LINES, left // rows - 2) if rows else 0
    for row in range(rows):
        shown = keys[row * columns : (row + 1) * columns]
        parts.append(
            _beside([_chart(seen, key, width // columns - 1, lines, plain) for key in shown])
        )
    if not seen.runs:
        parts.append(Text("no runs yet: modelyard runs start begins one", style="dim"))
    return Group(*parts)


def _braille(console: Console) -> bool:
    return console.encoding.lower().startswith("utf")


def _head(seen: Seen, width: int, hint: str) -> Text:
    from rich.text import Text

    going = sum(run.status is Status.RUNNING for run in seen.runs)
    names = dict.fromkeys(seen.experiments[run.experiment_id] for run in seen.runs)
    told = f"{going} running, {len(seen.runs) - going} ended"
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(printable(", ".join(names)) or "runs", style="bold")
    text.append(f"  {told}", style="dim")
    if seen.trouble:
        return text.append(f"  {printable(seen.trouble)}", style="red")
    if hint:
        text.append(" " * max(2, width - text.cell_len - len(hint)) + hint, style="dim")
    return text


def _table(seen: Seen, keys: Sequence[str], width: int, plain: bool) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1, 0, 0), expand=False, header_style="dim")
    table.add_column("", no_wrap=True, width=1)
    table.add_column("run", no_wrap=True, overflow="ellipsis", min_width=8)
    table.add_column("time", no_wrap=True, justify="right")
    table.add_column("step", no_wrap=True, justify="right")
    fitting = keys[: max(1, (width - 34) // METRIC_WIDTH)]
    for key in fitting:
        name = Text(printable(key), no_wrap=True, overflow="ellipsis")
        table.add_column(name, no_wrap=True, width=METRIC_WIDTH - 1)
    for number, run in enumerate(seen.runs):
        sign, style = SIGNS[run.status]
        known = {metric.key: metric for metric in run.metrics}
        cells = [_cell(seen, run, known.get(key), plain, number) for key in fitting]
        step = max((metric.step for metric in run.metrics), default=None)
        table.add_row(
            Text(run.status[0] if plain else sign, style=style),
            Text(printable(run.name), style=COLOURS[number % len(COLOURS)]),
            lasting(run),
            "" if step is None else str(step),
            *cells,
        )
    return table


def _cell(seen: Seen, run: Run, metric: Metric | None, plain: bool, number: int) -> Text:
    from rich.text import Text

    if metric is None:
        return Text("")
    line = sparkline(middles(seen.curves.get((run.run_id, metric.key), ())), SPARK, plain=plain)
    text = Text(f"{metric.value:<11.5g} ")
    return text.append(line, style=COLOURS[number % len(COLOURS)])


def middles(buckets: Sequence[Bucket]) -> list[float]:
    """One value a bucket."""
    return [bucket.low / 2 + bucket.high / 2 for bucket in buckets]


def lasting(run: Run) -> str:
    """How long a run takes, or took.

    >>> lasting(Run("", 0, started_ms=1000, ended_ms=3_726_000))
    '1:02:05'
    """
    seconds = max(0, (now_ms() if run.ended_ms is None else run.ended_ms) - run.started_ms) // 1000
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def _beside(charts: Sequence[Text]) -> RenderableType:
    from rich.table import Table

    if len(charts) == 1:
        return charts[0]
    grid = Table.grid(padding=(0, 2, 0, 0))
    for _ in charts:
        grid.add_column(no_wrap=True)
    grid.add_row(*charts)
    return grid


def _chart(seen: Seen, key: str, width: int, lines: int, plain: bool) -> Text:
    """A metric of all runs: its name, the curves between two values, and the steps below."""
    from rich.text import Text

    buckets = [seen.curves.get((run.run_id, key), ()) for run in seen.runs]
    curves = [_points(curve, width * 2) for curve in buckets]
    text = Text(no_wrap=True)
    text.append(printable(key)[: max(1, width - 1)], style="bold")
    span = spanned(curves)
    if span is None:
        return text.append("\n" + "no numbers yet".ljust(width - 1) + "\n" * lines, style="dim")
    low, high = labels(span.low, span.high)
    margin = max(len(low), len(high))
    room = max(4, width - margin - 3)
    grid = canvas(curves, span, room, lines, plain=plain)
    bar = "|" if plain else "│"
    for number, row in enumerate(grid):
        side = high if number == 0 else low if number == lines - 1 else ""
        text.append(f"\n{side.rjust(margin)} {bar}", style="dim")
        for cell in row:
            style = COLOURS[cell.curve % len(COLOURS)] if cell.curve >= 0 else ""
            text.append(cell.text, style=style)
    left, right = (f"{int(step)}" for step in (span.left, span.right))
    gap = max(1, room - len(left) - len(right))
    text.append(f"\n{' ' * (margin + 2)}{left}{' ' * gap}{right}", style="dim")
    return text


def _points(buckets: Sequence[Bucket], most: int) -> list[tuple[float, float]]:
    """Both ends of each bucket, where it has two."""
    shown = [buckets[int(i)] for i in sampled(range(len(buckets)), most)]
    found: list[tuple[float, float]] = []
    for number, bucket in enumerate(shown):
        x = (bucket.first_step + bucket.last_step) / 2
        if number in (0, len(shown) - 1):
            x = float(bucket.last_step if number else bucket.first_step)
        found.append((x, bucket.low))
        if bucket.high != bucket.low:
            found.append((x, bucket.high))
    return found
