"""``modelyard runs start``."""

from __future__ import annotations

import click

from modelyard.cli.commands.runs.pairs import pairs
from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import emit


@click.command(name="start")
@click.argument("name", default="")
@click.option(
    "--experiment",
    metavar="NAME",
    default="Default",
    show_default=True,
    help="Made when it is not there.",
)
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag.")
@click.option("--parent", metavar="RUN_ID", help="The run that this one is nested in.")
@json_option
@project_option
def command(
    name: str,
    experiment: str,
    tags: tuple[str, ...],
    parent: str | None,
    as_json: bool,
    project: str | None,
) -> None:
    """Begin a run and print its id, for a script that logs to it.

    \b
    Examples:
      modelyard runs start nightly --experiment churn --tag team=risk
    """
    from modelyard.cli.yards import runs_to_log_to
    from modelyard.yard.runs import run_row

    with runs_to_log_to(project, new=True) as runs:
        run = runs.start(name, experiment=experiment, tags=pairs(tags, "--tag"), parent=parent)
    emit(run_row(run, experiment), as_json, lambda: run.run_id)
