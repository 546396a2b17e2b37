"""``modelyard models list``."""

from __future__ import annotations

import click

from modelyard.cli.output import emit, json_option, project_option, table
from modelyard.yard.yard import Yard

SHOWN = [
    "id",
    "name",
    "version",
    "stages",
    "aliases",
    "estimator_class",
    "dataset",
    "target",
    "metrics",
    "created_at",
]


@click.command(name="list")
@json_option
@project_option
def command(as_json: bool, project: str | None) -> None:
    """List registered models, all versions.

    \b
    Examples:
      modelyard models list
    """
    with Yard(project=project) as yard:
        rows = yard.models.list(records=True)
    emit(rows, as_json, lambda: table(rows, SHOWN))  # type: ignore[arg-type]  # records=True gives a list
