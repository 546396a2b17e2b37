"""``modelyard history``: what happened to a name."""

from __future__ import annotations

import click

from modelyard.cli.output import emit, json_option, project_option, table
from modelyard.yard.yard import Yard


@click.command(name="history")
@click.argument("name", required=False)
@json_option
@project_option
def command(name: str | None, as_json: bool, project: str | None) -> None:
    """Show what happened to a name, or to all, newest first.

    \b
    Examples:
      modelyard history churn
    """
    with Yard(project=project) as yard:
        rows = yard.models.history(name, records=True)
    columns = ["at", "event", "name", "version", "stage", "alias", "by", "comment"]
    emit(rows, as_json, lambda: table(rows, columns))  # type: ignore[arg-type]  # records=True gives a list
