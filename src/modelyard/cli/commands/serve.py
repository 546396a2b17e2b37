"""``modelyard serve``: models over HTTP."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path

import click

from modelyard.base import plugins
from modelyard.cli.options import method_options
from modelyard.cli.output import project_option, rev_option
from modelyard.serving.serve import serve
from modelyard.yard.yard import Yard


@click.command(name="serve")
@click.argument("refs", nargs=-1, required=True, metavar="REF... [SERVER]")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, help="0 takes a free one.")
@click.option(
    "--log", is_flag=True, help="Log every prediction into the yard; never slows an answer."
)
@click.option("-c", "settings", multiple=True, metavar="KEY=VALUE", help="Option of the server.")
@click.option("--trust", metavar="DIGEST", help="Load a tier 2 model with this digest.")
@click.option("--check-env", type=click.Choice(["warn", "error", "off"]), default="warn")
@click.option(
    "--stop-after", type=click.IntRange(min=1), hidden=True, help="Stop after so many seconds."
)
@project_option
@rev_option
def command(refs: tuple[str, ...], host: str, port: int, log: bool, settings: tuple[str, ...], trust: str | None,
            check_env: str, stop_after: int | None, project: str | None, rev: str | None) -> None:  # fmt: skip
    """Serve models over HTTP: a typed route for each method, docs, health and metrics.

    A last word that names a server (fastapi) selects it. Stops in order on Ctrl+C or SIGTERM.

    \b
    Examples:
      modelyard serve models/churn
      modelyard serve churn@champion --port 9000 --log
    """
    models, server = split_server(list(refs))
    if stop_after is not None:
        timer = threading.Timer(stop_after, os.kill, (os.getpid(), signal.SIGTERM))
        timer.daemon = True
        timer.start()
    with contextlib.ExitStack() as stack:
        yard = stack.enter_context(Yard(project=project)) if log else None
        serve(
            models,
            server=server,
            host=host,
            port=port,
            log=yard.predictions.log if yard is not None else None,
            trust=trust,
            check_env=check_env,  # type: ignore[arg-type]  # click.Choice has checked it
            project=project,
            rev=rev,
            **method_options(settings),
        )


def split_server(refs: list[str]) -> tuple[list[str], str]:
    """The models, and the server: a last word that names one, unless an object of that name is there."""
    last = refs[-1]
    if (
        len(refs) > 1
        and last in plugins.names("servers")
        and not Path(f"{last}.yard.yaml").exists()
    ):
        return refs[:-1], last
    return refs, "fastapi"
