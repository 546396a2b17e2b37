"""``modelyard db upgrade``."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import report


@click.command(name="upgrade")
@json_option
@project_option
def command(as_json: bool, project: str | None) -> None:
    """Bring the yard's tables up to date. Opening a yard does it too; this only says so.

    \b
    Examples:
      modelyard db upgrade
    """
    from modelyard.cli.yards import existing_yard

    with existing_yard(project) as yard:
        label = yard.label
    report({"yard": label}, as_json, f"{label} is up to date")
