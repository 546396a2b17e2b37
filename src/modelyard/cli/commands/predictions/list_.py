"""``modelyard predictions list``."""

from __future__ import annotations

from typing import Any

import click

from modelyard.cli.commands.predictions.options import which_options
from modelyard.cli.output import emit, json_option, project_option, table
from modelyard.yard.yard import Yard

SHOWN = ["at", "model", "method", "reference_id", "inputs", "outputs", "actual", "error"]


@click.command(name="list")
@which_options
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True)
@json_option
@project_option
def command(as_json: bool, project: str | None, **which: Any) -> None:
    """List logged predictions, newest first: one row a record.

    \b
    Examples:
      modelyard predictions list --model churn --limit 5
    """
    with Yard(project=project) as yard:
        rows = yard.predictions.list(records=True, **which)
    emit(rows, as_json, lambda: table(rows, SHOWN))  # type: ignore[arg-type]  # records=True gives a list
