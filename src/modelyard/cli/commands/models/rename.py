"""``modelyard models rename``."""

from __future__ import annotations

import click

from modelyard.cli.output import project_option, say
from modelyard.yard.yard import Yard


@click.command(name="rename")
@click.argument("name")
@click.argument("new_name")
@project_option
def command(name: str, new_name: str, project: str | None) -> None:
    """Rename a model; versions, stages, aliases and history go with it.

    \b
    Examples:
      modelyard models rename chrun churn
    """
    with Yard(project=project) as yard:
        yard.models.rename(name, new_name)
    say(f"{name} is {new_name} now")
