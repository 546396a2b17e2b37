"""``modelyard token list``."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option, uri_option
from modelyard.cli.output import emit_rows

SHOWN = ["id", "user", "name", "start", "role", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at"]  # fmt: skip


@click.command(name="list")
@click.option("--user", metavar="NAME", help="Of this user only.")
@uri_option
@json_option
@project_option
def command(user: str | None, uri: str | None, as_json: bool, project: str | None) -> None:
    """List tokens, without their secrets.

    \b
    Examples:
      modelyard token list
      modelyard token list --user ana --json
    """
    from modelyard.cli.yards import named_yard
    from modelyard.hub import accounts

    with named_yard(uri, project) as yard:
        rows = accounts.list_tokens(yard.database, user)
    emit_rows(rows, SHOWN, as_json, none="no tokens: modelyard token create NAME")
