"""``modelyard db upgrade``."""

from __future__ import annotations

import click

from modelyard.cli.output import project_option, say
from modelyard.yard.yard import Yard


@click.command(name="upgrade")
@project_option
def command(project: str | None) -> None:
    """Bring the yard's tables up to date. Opening a yard does it too; this only says so.

    \b
    Examples:
      modelyard db upgrade
    """
    with Yard(project=project) as yard:
        say(f"{yard.label} is up to date")
