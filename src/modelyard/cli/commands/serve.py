"""``modelyard serve``: models over HTTP."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path
from typing import Any

import click

from modelyard.base import plugins
from modelyard.cli.options import (
    check_env_option,
    nested,
    plugin_options,
    project_option,
    ref_argument,
    rev_option,
    settings_option,
    trust_option,
)

LISTS = ("allowed_hosts", "allowed_origins", "trusted_proxies")
"""Options that are lists: on the command line their words are parted by commas."""


@click.command(name="serve", context_settings={"ignore_unknown_options": True})
@ref_argument("words", nargs=-1, required=True, metavar="REF... [SERVER]", type=click.UNPROCESSED)
@click.option("--host", metavar="HOST", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=int, help="0 takes a free one.  [default: 8080]")
@click.option("--workers", type=int, metavar="N", help="Processes on the port.  [default: 1]")
@click.option(
    "--isolate/--no-isolate",
    default=None,
    help="Run the model in a process of its own, so that a crash is one request's.  [default: with several workers]",
)
@click.option("--grpc-port", type=int, help="Also answer gRPC on this port; 0 takes a free one.")
@click.option(
    "--log", is_flag=True, help="Log every prediction into the yard; never slows an answer."
)
@click.option("--tls-cert", metavar="FILE", help="Serve HTTPS with this certificate (PEM).")
@click.option("--tls-key", metavar="FILE", help="Its private key (PEM).")
@click.option("--tls-client-ca", metavar="FILE", help="Let in only who has a certificate of these authorities.")  # fmt: skip
@click.option("--access-log", metavar="json|text|off|FILE", help="A line for each request, on stderr or in a file.  [default: off]")  # fmt: skip
@click.option(
    "--compile",
    "compile_",
    type=click.Choice(["auto", "off"]),
    help="Compile models to graphs that are proven to answer alike.  [default: off]",
)
@settings_option
@trust_option
@check_env_option
@click.option(
    "--stop-after", type=click.IntRange(min=1), hidden=True, help="Stop after so many seconds."
)
@project_option
@rev_option
def command(words: tuple[str, ...], log: bool, settings: tuple[str, ...], grpc_port: int | None, compile_: str | None, stop_after: int | None, **options: Any) -> None:  # fmt: skip
    """Serve models over HTTP: a typed route for each method, the Open Inference Protocol, docs, health and metrics.

    A last word that names a server (fastapi) selects it. Options of the server are -c KEY=VALUE, or --KEY VALUE:
    limits.body_bytes, limits.rate, batching.rows, batching.workers, auth.keys, drain_seconds, allowed_hosts, allowed_origins
    and more (docs/serving.md, docs/serving-operation.md). Stops in order on Ctrl+C or SIGTERM.

    \b
    Examples:
      modelyard serve models/churn
      modelyard serve churn@champion --port 9000 --log
      modelyard serve models/churn --compile auto
      modelyard serve models/churn --workers 4
      modelyard serve models/churn models/iris -c limits.body_bytes=1000000
      modelyard serve models/churn --host 0.0.0.0 --access-log json -c auth.keys.shop=env:SHOP_KEY
    """
    from modelyard.cli.yards import new_or_existing_yard
    from modelyard.serving.serve import serve

    refs, free = split_words(words)
    models, server = split_server(refs)
    more = nested(plugin_options(settings, free))
    more |= {key: more[key].split(",") for key in LISTS if isinstance(more.get(key), str)}
    if compile_ is not None:
        more["compile"] = compile_
    more |= {} if grpc_port is None else {"grpc_port": grpc_port}
    if stop_after is not None:
        timer = threading.Timer(stop_after, os.kill, (os.getpid(), signal.SIGTERM))
        timer.daemon = True
        timer.start()
    with contextlib.ExitStack() as stack:
        yard = stack.enter_context(new_or_existing_yard(options["project"])) if log else None
        serve(
            models,
            server=server,
            log=yard.predictions.log if yard is not None else None,
            **{**{k: v for k, v in options.items() if v is not None}, **more},
        )


def split_words(words: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """References, and the ``--key value`` words after the first of which the rest are the server's options."""
    first = next((i for i, word in enumerate(words) if word.startswith("--")), len(words))
    return list(words[:first]), list(words[first:])


def split_server(refs: list[str]) -> tuple[list[str], str | None]:
    """The models, and the server: a last word that names one, unless an object of that name is there."""
    last = refs[-1] if refs else ""
    if (
        len(refs) > 1
        and last in plugins.names("servers")
        and not Path(f"{last}.yard.yaml").exists()
    ):
        return refs[:-1], last
    return refs, None
