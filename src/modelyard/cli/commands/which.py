"""``modelyard which``: what a stage holds."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, name_argument, project_option, registry_option
from modelyard.cli.output import emit


@click.command(name="which")
@name_argument()
@click.option("--stage", required=True, help="The stage.")
@click.option(
    "--at",
    metavar="TIME",
    help="At this moment (RFC 3339, or a date: its beginning, UTC) instead of now.",
)
@json_option
@registry_option
@project_option
def command(
    name: str,
    stage: str,
    at: str | None,
    as_json: bool,
    registry: str | None,
    project: str | None,
) -> None:
    """Show which version a stage holds, now or at a time. Exit code 3 when there is none.

    \b
    Examples:
      modelyard which churn --stage prod
      modelyard which churn --stage prod --at 2026-05-01
      modelyard which churn --stage prod --at 2026-11-20T12:00:00Z --json
    """
    from modelyard.yard.registries import existing_registry

    with existing_registry(project, registry) as models:
        found = models.which(name, stage, at=at)
    emit(
        found,
        as_json,
        lambda: f"{found['name']}@{found['version']}  since {found['since']} by {found['by']}",
    )
