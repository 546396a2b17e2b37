"""``modelyard runs compare``."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import emit, table


@click.command(name="compare")
@click.argument("run_ids", nargs=-1, required=True, metavar="RUN_ID...")
@click.option("--diff", "differing", is_flag=True, help="Only what is not the same in all.")
@json_option
@project_option
def command(run_ids: tuple[str, ...], differing: bool, as_json: bool, project: str | None) -> None:
    """Show runs beside each other: a line a param, metric and attribute.

    \b
    Examples:
      modelyard runs compare RUN1 RUN2 --diff
    """
    from modelyard.cli.yards import existing_yard

    with existing_yard(project) as yard:
        rows = yard.runs.compare(run_ids, differing=differing)
    emit(rows, as_json, lambda: table(rows, ["field", *dict.fromkeys(run_ids)]))
