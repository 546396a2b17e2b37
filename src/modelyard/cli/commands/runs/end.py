"""``modelyard runs end``."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import report


@click.command(name="end")
@click.argument("run_id")
@click.option("--status", default="FINISHED", show_default=True, help="FINISHED, FAILED or KILLED.")
@json_option
@project_option
def command(run_id: str, status: str, as_json: bool, project: str | None) -> None:
    """End a run.

    \b
    Examples:
      modelyard runs end $RUN --status FAILED
    """
    from modelyard.cli.yards import runs_to_log_to

    with runs_to_log_to(project) as runs:
        run = runs.end(run_id, status)
    report(
        {"run_id": run_id, "status": run.status.value},
        as_json,
        f"{run.name or run_id}: {run.status}",
    )
