"""``modelyard data list``."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import emit_rows


@click.command(name="list")
@json_option
@project_option
def command(as_json: bool, project: str | None) -> None:
    """List data sets, all versions.

    \b
    Examples:
      modelyard data list
      modelyard data list --json
    """
    from modelyard.cli.yards import yard_if_any
    from modelyard.yard.datasets import COLUMNS

    with yard_if_any(project) as yard:
        rows = yard.datasets.list(records=True) if yard else []
    emit_rows(rows, COLUMNS, as_json, none="no data sets yet: modelyard data add FILE")  # type: ignore[arg-type]  # records=True gives a list
