"""``modelyard login``."""

from __future__ import annotations

import sys

import click

from modelyard.cli.options import json_option
from modelyard.cli.output import report


@click.command(name="login")
@click.argument("hub")
@click.option("--token-stdin", is_flag=True, help="Read the token from stdin.")
@json_option
def command(hub: str, token_stdin: bool, as_json: bool) -> None:
    """Keep a token for a hub in your own configuration, after the hub has said that it is good.

    The file is readable by nobody else, and the token is sent to that hub alone.

    \b
    Examples:
      modelyard login https://hub.example
      modelyard login http://127.0.0.1:5000 --token-stdin < token.txt
    """
    from modelyard.base.errors import InvalidInput
    from modelyard.hub.client import HubClient, hub_address, keep_token

    address = hub_address(hub)
    if token_stdin or not sys.stdin.isatty():
        token = sys.stdin.readline().strip()
    else:
        token = click.prompt("Token", hide_input=True, err=True).strip()
    if not token:
        raise InvalidInput("no token was given", hint="modelyard token create NAME prints one")
    with HubClient(address, token) as client:
        told = client.call("GET", "/api/v1/server").json()
    file = keep_token(address, token)
    facts = {"hub": address, "user": told["actor"], "role": told["role"], "file": str(file)}
    report(facts, as_json, f"{address} knows you as {told['actor']} ({told['role']}); the token is kept in {file}")  # fmt: skip
