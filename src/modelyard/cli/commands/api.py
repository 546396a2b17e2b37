"""``modelyard api``."""

from __future__ import annotations

import sys

import click

from modelyard.cli.options import json_option

BEGINNINGS = ("api", "ajax-api", "healthz", "readyz", "metrics", "health", "version")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@click.command(name="api")
@click.argument("method", type=click.Choice(METHODS, case_sensitive=False))
@click.argument("path")
@click.option("--data", metavar="JSON", help="The body: JSON, @FILE, or - for stdin.")
@click.option("--hub", metavar="URL", help="Which hub, when there are several.")
@json_option
def command(method: str, path: str, data: str | None, hub: str | None, as_json: bool) -> None:
    """Call a hub and print what it answers, with the token that modelyard login kept for it.

    A path that is none of the hub's own beginnings is meant below /api/v1: /models is /api/v1/models.
    Without --hub it is the project's uri, the only hub with a token, or the one on this machine.

    \b
    Examples:
      modelyard api GET /models
      modelyard api PUT /api/v1/models/churn/stages/prod --data '{"version": 3}'
      modelyard api POST /api/v1/runs/search --data @query.json --hub https://hub.example
    """
    from modelyard.base.hub_client import HubClient, hub_address, known_hub
    from modelyard.yard.addresses import address_of

    address = address_of(hub)  # who named it decides which token it gets
    if hub is None and not address.is_hub:
        address = address_of(known_hub())
    content = body_of(data)
    headers = {"content-type": "application/json"} if content is not None else {}
    with HubClient(hub_address(address.uri), address.token()) as client:
        answer = client.call(method.upper(), meant(path), content=content, headers=headers)
    if answer.content:
        click.echo(
            answer.content if answer.content.endswith(b"\n") else answer.content + b"\n", nl=False
        )


def meant(path: str) -> str:
    """The whole path.

    >>> meant("/models"), meant("/api/docs.js"), meant("/readyz")
    ('/api/v1/models', '/api/docs.js', '/readyz')
    """
    if path.startswith("//") or "://" in path.split("?")[0]:
        return path  # another server's: the client refuses it
    path = path if path.startswith("/") else f"/{path}"
    first = path.split("?")[0].split("/")[1]
    return path if first in BEGINNINGS else f"/api/v1{path}"


def body_of(data: str | None) -> bytes | None:
    """The body that ``--data`` means."""
    from modelyard.base.errors import FileMissing

    if data is None:
        return None
    if data == "-":
        return sys.stdin.buffer.read()
    if not data.startswith("@"):
        return data.encode()
    from pathlib import Path

    try:
        return Path(data[1:]).read_bytes()
    except FileNotFoundError:
        raise FileMissing(f"there is no file {data[1:]}") from None
