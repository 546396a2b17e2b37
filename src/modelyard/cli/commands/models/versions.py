"""``modelyard models versions``."""

from __future__ import annotations

import click

from modelyard.cli.commands.models.list_ import columns
from modelyard.cli.options import json_option, name_argument, project_option, registry_option
from modelyard.cli.output import emit_rows


@click.command(name="versions")
@name_argument()
@json_option
@registry_option
@project_option
def command(name: str, as_json: bool, registry: str | None, project: str | None) -> None:
    """List the versions of a model, oldest first.

    \b
    Examples:
      modelyard models versions churn
    """
    from modelyard.yard.registries import existing_registry

    with existing_registry(project, registry) as models:
        rows = models.versions(name, records=True)
    emit_rows(rows, columns(rows), as_json, none=f"{name} has no versions")  # type: ignore[arg-type]  # a list
