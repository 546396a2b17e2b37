"""``modelyard hub``: the yard for a team."""

from __future__ import annotations

import gc
import os
import signal
import threading

import click

from modelyard.cli.options import uri_option


@click.command(name="hub")
@uri_option
@click.option("--artifacts", metavar="FOLDER", help="Keep all files of a new yard there.")
@click.option(
    "--host",
    default="127.0.0.1",
    metavar="HOST",
    show_default=True,
    help="Address to listen on.",
)
@click.option("--port", type=int, default=5000, show_default=True, help="0 takes a free one.")
@click.option(
    "--workers", type=int, default=1, show_default=True, metavar="N", help="Processes that answer."
)
@click.option(
    "--allowed-hosts",
    metavar="NAMES",
    help="Names it answers to besides its own, parted by commas.",
)
@click.option("--insecure", is_flag=True, help="Let people in without a token, from anywhere.")
@click.option(
    "--drain-seconds",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="How long a stop waits for what is in flight.",
)
@click.option(
    "--sweep-minutes",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    help="How often to remove what nothing needs any more, as db gc does; 0 is never.",
)
@click.option("--no-access-log", is_flag=True, help="Do not write a line for each request.")
@click.option(
    "--stop-after", type=click.IntRange(min=1), hidden=True, help="Stop after so many seconds."
)
def command(
    uri: str | None,
    artifacts: str | None,
    host: str,
    port: int,
    workers: int,
    allowed_hosts: str | None,
    insecure: bool,
    drain_seconds: float,
    sweep_minutes: float,
    no_access_log: bool,
    stop_after: int | None,
) -> None:
    """Serve the yard to a team over HTTP: REST with its documentation at /api/docs, and what MLflow's clients speak.

    On this machine alone it needs no tokens. Any other address needs users (modelyard user add, modelyard token create), or
    --insecure. Stops in order on Ctrl+C or SIGTERM.

    \b
    Examples:
      modelyard hub
      modelyard hub --uri postgresql://ana@db/yard --host 0.0.0.0 --allowed-hosts hub.example --workers 4
      modelyard hub --port 0 --insecure
    """
    gc.disable()  # until it is up, when all that was loaded is set aside: a tenth of the start
    from modelyard.hub.interface import HubSettings
    from modelyard.hub.process import serve_hub

    names = tuple(name.strip() for name in (allowed_hosts or "").split(",") if name.strip())
    if stop_after is not None:
        timer = threading.Timer(stop_after, os.kill, (os.getpid(), signal.SIGTERM))
        timer.daemon = True
        timer.start()
    settings = HubSettings(uri, artifacts, host, names, insecure, not no_access_log, sweep_minutes)
    serve_hub(settings, port=port, workers=workers, drain_seconds=drain_seconds)
