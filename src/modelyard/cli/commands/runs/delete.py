"""``modelyard runs delete``."""

from __future__ import annotations

import click

from modelyard.cli.options import dry_run_option, json_option, project_option, yes_option
from modelyard.cli.output import confirm, report


@click.command(name="delete")
@click.argument("run_ids", nargs=-1, required=True, metavar="RUN_ID...")
@click.option("--purge", is_flag=True, help="For good, with all they logged.")
@yes_option
@dry_run_option
@json_option
@project_option
def command(
    run_ids: tuple[str, ...],
    purge: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    project: str | None,
) -> None:
    """Delete runs. They can be restored, unless they are purged.

    \b
    Examples:
      modelyard runs delete RUN1 RUN2
      modelyard runs delete RUN1 --purge --yes
    """
    from modelyard.cli.yards import existing_yard

    with existing_yard(project) as yard:
        runs = [yard.runs.get(run_id) for run_id in run_ids]
        names = ", ".join(run.name for run in runs)
        facts = {"runs": list(run_ids), "purged": purge and not dry_run, "deleted": not dry_run}
        if dry_run:
            report(facts, as_json, f"would {'purge' if purge else 'delete'} {names}")
            return
        if purge:
            confirm(f"Purge {names} for good, with all they logged?", yes)
        yard.runs.delete(run_ids)
        if purge:
            yard.runs.purge(run_ids)
    report(facts, as_json, f"{'purged' if purge else 'deleted'} {names}")
