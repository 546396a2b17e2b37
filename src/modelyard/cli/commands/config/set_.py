"""``modelyard config set``: change a setting."""

from __future__ import annotations

import click

from modelyard.base.config import parse_value, set_setting
from modelyard.cli.options import json_option
from modelyard.cli.output import report


@click.command(name="set")
@click.argument("key")
@click.argument("value")
@click.option(
    "--user", is_flag=True, help="In this user's own configuration instead of the project's."
)
@json_option
def command(key: str, value: str, user: bool, as_json: bool) -> None:
    """Set a setting of this project or of this user. Comments in the file stay.

    \b
    Examples:
      modelyard config set uri sqlite:///shared/yard.db
      modelyard config set serve.port 9000
    """
    parsed = parse_value(value)
    file = set_setting(key, parsed, "user" if user else "project")
    facts = {"setting": key, "value": parsed, "file": str(file)}
    report(facts, as_json, f"{key} = {value} in {file}")
