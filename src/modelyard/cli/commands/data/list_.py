"""``modelyard data list``."""

from __future__ import annotations

import click

from modelyard.cli.output import emit, json_option, project_option, table
from modelyard.yard.datasets import COLUMNS
from modelyard.yard.yard import Yard


@click.command(name="list")
@json_option
@project_option
def command(as_json: bool, project: str | None) -> None:
    """List data sets, all versions.

    \b
    Examples:
      modelyard data list
    """
    with Yard(project=project) as yard:
        rows = yard.datasets.list(records=True)
    emit(rows, as_json, lambda: table(rows, COLUMNS))  # type: ignore[arg-type]  # records=True gives a list
