"""``modelyard runs restore``."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import report


@click.command(name="restore")
@click.argument("run_ids", nargs=-1, required=True, metavar="RUN_ID...")
@json_option
@project_option
def command(run_ids: tuple[str, ...], as_json: bool, project: str | None) -> None:
    """Bring back deleted runs.

    \b
    Examples:
      modelyard runs restore RUN1
    """
    from modelyard.cli.yards import existing_yard

    with existing_yard(project) as yard:
        yard.runs.restore(run_ids)
    report({"runs": list(run_ids)}, as_json, f"restored {', '.join(run_ids)}")
