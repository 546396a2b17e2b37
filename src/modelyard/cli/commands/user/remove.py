"""``modelyard user remove``."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option, uri_option, yes_option
from modelyard.cli.output import confirm, report


@click.command(name="remove")
@click.argument("name")
@yes_option
@uri_option
@json_option
@project_option
def command(name: str, yes: bool, uri: str | None, as_json: bool, project: str | None) -> None:
    """Remove a user with all tokens; they are of no use from that moment on.

    \b
    Examples:
      modelyard user remove ana --yes
    """
    from modelyard.cli.yards import named_yard
    from modelyard.hub import accounts

    with named_yard(uri, project) as yard:
        accounts.get_user(yard.database, name)
        confirm(f"Remove {name} with all tokens?", yes)
        accounts.remove_user(yard.database, name)
    report({"name": name, "removed": True}, as_json, f"removed {name}")
