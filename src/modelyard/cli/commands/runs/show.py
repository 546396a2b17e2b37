"""``modelyard runs show``."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import emit, table


@click.command(name="show")
@click.argument("run_id")
@json_option
@project_option
def command(run_id: str, as_json: bool, project: str | None) -> None:
    """Show all that is known of a run.

    \b
    Examples:
      modelyard runs show 019c0f6f4b1a7c33a1d2c3b4a5968778
    """
    from modelyard.cli.yards import existing_yard
    from modelyard.tracking.runs import files_of_run
    from modelyard.yard.runs import run_row

    with existing_yard(project) as yard:
        run = yard.runs.get(run_id)
        facts = run_row(run, yard.tracker.experiment(run.experiment_id).name)
        facts["parent_run_id"] = run.parent_run_id
        facts["inputs"] = [f"{i.name}@{i.digest}" for i in run.inputs]
        facts["files"] = [entry.path for entry in yard.artifacts.walk(files_of_run(run_id))]
    rows = [{"field": key, "value": value} for key, value in facts.items()]
    emit(facts, as_json, lambda: table(rows))
