"""``modelyard watch``."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import emit

if TYPE_CHECKING:
    from rich.console import Console

    from modelyard.cli.keyboard import Keys
    from modelyard.yard.watching import Bell, Seen, Watching

QUIT = ("q", "Q", "\x1b", "\x04")
HINT = "q quits, n and p turn the metrics"


@click.command(name="watch")
@click.argument("run_ids", nargs=-1, metavar="[RUN_ID...]")
@click.option(
    "--experiment", "experiments", multiple=True, metavar="NAME", help="Only of this one."
)
@click.option(
    "--metric", "metrics", multiple=True, metavar="KEY", help="Only this one, or as in 'val/*'."
)
@click.option(
    "--limit",
    type=click.IntRange(1, 40),
    default=8,
    show_default=True,
    help="At most so many runs.",
)
@click.option("--once", is_flag=True, help="Print what is there now, and end.")
@click.option(
    "--interval", type=click.FloatRange(0.1, 3600), default=1.0, show_default=True, metavar="SECONDS",
    help="Look again after so long.",
)  # fmt: skip
@json_option
@project_option
def command(
    run_ids: tuple[str, ...],
    experiments: tuple[str, ...],
    metrics: tuple[str, ...],
    limit: int,
    once: bool,
    interval: float,
    as_json: bool,
    project: str | None,
) -> None:
    """Watch runs in the terminal: a table and curves, as they grow.

    Without ids those that go on are shown, then the newest. With ids it ends when these runs have ended. In a pipe, and
    with --json, what changed is printed again.

    \b
    Examples:
      modelyard watch
      modelyard watch --experiment churn --metric loss --metric 'val/*'
      modelyard watch $RUN --once
    """
    from modelyard.cli.yards import existing_yard
    from modelyard.yard.watching import Bell, Watching

    with existing_yard(project) as yard:
        watching = Watching(yard, run_ids, experiments=experiments, metrics=metrics, limit=limit)
        show = _told if as_json else _printed(_console())
        if once:
            show(watching.look())
        elif as_json or not sys.stdout.isatty():
            _follow(watching, Bell(yard, interval), bool(run_ids), show)
        else:
            _live(watching, Bell(yard, interval), bool(run_ids), _console())


def _console() -> Console:
    try:
        from rich.console import Console
    except ModuleNotFoundError as error:
        from modelyard.base.errors import MissingExtra

        raise MissingExtra("watching runs (--json needs none)", "watch") from error
    return Console(highlight=False, soft_wrap=False)


def _told(seen: Seen) -> None:
    emit(facts(seen), as_json=True)


def facts(seen: Seen) -> dict[str, Any]:
    """A look as JSON."""
    return {
        "runs": [
            {
                "run_id": run.run_id,
                "name": run.name,
                "experiment": seen.experiments[run.experiment_id],
                "status": run.status.value,
                "step": max((metric.step for metric in run.metrics), default=None),
                "metrics": {
                    metric.key: metric.value for metric in run.metrics if metric.key in seen.keys
                },
            }
            for run in seen.runs
        ]
    }


def _printed(console: Console) -> Any:
    from modelyard.cli.watch_screen import frame

    return lambda seen: console.print(frame(seen, console))


def _looks(
    watching: Watching, bell: Bell, named: bool, pressed: Keys
) -> Iterator[tuple[Seen, str]]:
    """What there is to see, again when it may have changed, and each key with what was seen last. Runs that were named
    come to an end. A hub or database that is away is waited for."""
    from modelyard.base.errors import Overloaded, Unreachable
    from modelyard.yard.watching import Looker

    seen: Seen | None = None
    looker = Looker(watching)
    while True:
        looker.ask()
        while not looker.done.wait(0.1):
            if (key := pressed.wait(0)) in QUIT and seen is None:
                return
            if key and seen is not None:
                yield seen, key
        try:
            seen = looker.take()
            bell.listen([run.experiment_id for run in seen.runs])
        except (Unreachable, Overloaded) as error:
            if seen is None:
                raise
            seen = replace(seen, trouble=f"{error.message}; trying again")
        until = time.monotonic() + bell.wait_seconds
        yield seen, ""
        if named and seen.over and not seen.trouble:
            return
        while time.monotonic() < until and not bell.rung.is_set():
            if key := pressed.wait(until - time.monotonic()):
                yield seen, key
        bell.rung.clear()


def _follow(watching: Watching, bell: Bell, named: bool, show: Any) -> None:
    """What changed, one after the other."""
    from modelyard.cli.keyboard import keys

    last: Any = None
    with keys(pressed=False) as pressed:
        for seen, _ in _looks(watching, bell, named, pressed):
            if (now := facts(seen)) != last:
                show(seen)
                sys.stdout.flush()
                last = now


def _live(watching: Watching, bell: Bell, named: bool, console: Console) -> None:
    """A screen that is drawn again when something changed, a key was pressed or the window has another size. What was
    seen last stays in the terminal."""
    from rich.live import Live

    from modelyard.cli.keyboard import keys
    from modelyard.cli.watch_screen import frame

    last, first = None, 0
    with keys() as pressed:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            for seen, key in _looks(watching, bell, named, pressed):
                if key in QUIT:
                    break
                last = seen
                if key in ("n", "p") and seen.keys:
                    first = (first + (1 if key == "n" else -1)) % len(seen.keys)
                picture = frame(seen, console, height=console.height, first=first, hint=HINT)
                live.update(picture, refresh=True)
        if last is not None:
            console.print(frame(last, console, height=console.height - 1, first=first))
