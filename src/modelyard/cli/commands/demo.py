"""``modelyard demo``: the main path, from training to a logged prediction, on real data."""

from __future__ import annotations

from pathlib import Path

import click

FOLDER = Path("modelyard-demo")


@click.command(name="demo")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    help="Folder of the demo's project.  [default: modelyard-demo]",
)
@click.option("--stop", is_flag=True, help="Stop the server that an earlier demo left running.")
def command(folder: Path | None, stop: bool) -> None:
    """See it all work in one minute, in ./modelyard-demo/.

    Trains two small models on real data, saves, registers, compares, promotes, applies and serves them, posts to the
    server and shows the logged predictions. The server goes on for ten minutes, so that you can try it.

    \b
    Examples:
      modelyard demo
      modelyard demo --stop
    """
    from modelyard.cli.demo import SERVER_FILE, run_demo, stop_demo

    if stop:
        inside = folder is None and Path(SERVER_FILE).is_file()
        stop_demo(Path() if inside else folder or FOLDER)
    else:
        run_demo(folder or FOLDER)
