"""``modelyard user list``."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option, uri_option
from modelyard.cli.output import emit_rows


@click.command(name="list")
@uri_option
@json_option
@project_option
def command(uri: str | None, as_json: bool, project: str | None) -> None:
    """List users of the hub.

    \b
    Examples:
      modelyard user list
      modelyard user list --json
    """
    from modelyard.cli.yards import named_yard
    from modelyard.hub import accounts

    with named_yard(uri, project) as yard:
        rows = accounts.list_users(yard.database)
    emit_rows(rows, ["name", "role", "tokens", "created_at"], as_json, none="no users: a hub on this machine asks nobody who they are")  # fmt: skip
