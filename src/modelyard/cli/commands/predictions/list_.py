"""``modelyard predictions list``."""

from __future__ import annotations

from typing import Any

import click

from modelyard.cli.commands.predictions.options import which_options
from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import emit_rows

SHOWN = ["at", "model", "method", "reference_id", "outputs", "actual", "error", "inputs"]


@click.command(name="list")
@which_options
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many."
)
@json_option
@project_option
def command(as_json: bool, project: str | None, **which: Any) -> None:
    """List logged predictions, newest first: one row a record.

    \b
    Examples:
      modelyard predictions list --model churn --limit 5
      modelyard predictions list --since 2026-11-20T12:00:00Z --json
    """
    from modelyard.cli.yards import yard_if_any

    with yard_if_any(project) as yard:
        rows = yard.predictions.list(records=True, **which) if yard else []
    emit_rows(rows, SHOWN, as_json, none="no predictions: modelyard serve REF --log logs them")  # type: ignore[arg-type]  # records=True gives a list
