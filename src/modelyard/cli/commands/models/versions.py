"""``modelyard models versions``."""

from __future__ import annotations

import click

from modelyard.cli.commands.models.list_ import SHOWN
from modelyard.cli.output import emit, json_option, project_option, table
from modelyard.yard.yard import Yard


@click.command(name="versions")
@click.argument("name")
@json_option
@project_option
def command(name: str, as_json: bool, project: str | None) -> None:
    """List the versions of a model, oldest first.

    \b
    Examples:
      modelyard models versions churn
    """
    with Yard(project=project) as yard:
        rows = yard.models.versions(name, records=True)
    emit(rows, as_json, lambda: table(rows, [*SHOWN, "active"]))  # type: ignore[arg-type]  # a list
