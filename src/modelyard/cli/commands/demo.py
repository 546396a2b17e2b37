"""``modelyard demo``: the main path, from training to a logged prediction, on real data."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.demo import run_demo, stop_demo


@click.command(name="demo")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("modelyard-demo"),
    show_default=True,
)
@click.option("--stop", is_flag=True, help="Stop the server that an earlier demo left running.")
def command(folder: Path, stop: bool) -> None:
    """See it all work in one minute, in ./modelyard-demo/.

    Trains two small models on real data, saves, registers, compares, promotes, applies and serves them, posts to the
    server and shows the logged predictions. The server goes on for ten minutes, so that you can try it.

    \b
    Examples:
      modelyard demo
      modelyard demo --stop
    """
    if stop:
        stop_demo(folder)
    else:
        run_demo(folder)
