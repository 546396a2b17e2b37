"""``modelyard config list``: every setting and where it comes from."""

from __future__ import annotations

import click

from modelyard.base.config import settings, user_settings
from modelyard.base.project import find_root
from modelyard.cli.output import emit, json_option, table


@click.command(name="list")
@json_option
def command(as_json: bool) -> None:
    """Show every setting, its value and where it comes from: environment, project file, or default.

    \b
    Examples:
      modelyard config list
    """
    found = [*settings(find_root()).explain(), *user_settings().explain()]
    rows = [{"setting": s.key, "value": s.value, "from": s.source} for s in found]
    emit(rows, as_json, lambda: table(rows, ["setting", "value", "from"]))
