"""``modelyard config set``: change a setting."""

from __future__ import annotations

import click

from modelyard.base.config import parse_value, set_setting
from modelyard.cli.output import say


@click.command(name="set")
@click.argument("key")
@click.argument("value")
@click.option(
    "--user", is_flag=True, help="In this user's own configuration instead of the project's."
)
def command(key: str, value: str, user: bool) -> None:
    """Set a setting of this project or of this user. Comments in the file stay.

    \b
    Examples:
      modelyard config set uri sqlite:///shared/yard.db
    """
    file = set_setting(key, parse_value(value), "user" if user else "project")
    say(f"{key} = {value} in {file}")
