"""``modelyard user add``."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option, uri_option
from modelyard.cli.output import report


@click.command(name="add")
@click.argument("name")
@click.option(
    "--role",
    default="editor",
    show_default=True,
    metavar="ROLE",
    help="viewer, editor, promoter, deployer or admin: each may do what those before it may.",
)
@uri_option
@json_option
@project_option
def command(name: str, role: str, uri: str | None, as_json: bool, project: str | None) -> None:
    """Add a user of the hub, or give one another role. From the first one on, the hub asks everybody for a token.

    \b
    Examples:
      modelyard user add ana --role admin
      modelyard user add ci --role promoter --uri postgresql://ana@db/yard
    """
    from modelyard.base.errors import AlreadyExists
    from modelyard.cli.yards import named_yard
    from modelyard.hub import accounts

    with named_yard(uri, project) as yard:
        try:
            told = accounts.add_user(yard.database, name, role)
        except AlreadyExists:
            told = accounts.change_role(yard.database, name, role)
    report(told, as_json, f"{told['name']} is {told['role']}; modelyard token create {told['name']} makes a token")  # fmt: skip
