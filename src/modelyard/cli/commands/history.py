"""``modelyard history``: what happened to a name."""

from __future__ import annotations

import click

from modelyard.base.errors import NotFound, did_you_mean
from modelyard.cli.options import json_option, name_argument, project_option, registry_option
from modelyard.cli.output import emit_rows

COLUMNS = ["at", "event", "name", "version", "stage", "alias", "by", "comment"]


@click.command(name="history")
@name_argument(required=False)
@json_option
@registry_option
@project_option
def command(name: str | None, as_json: bool, registry: str | None, project: str | None) -> None:
    """Show what happened to a name, or to all, newest first.

    \b
    Examples:
      modelyard history churn
      modelyard history --json
    """
    from modelyard.yard.registries import existing_registry, opened_registry

    if name is None:
        with opened_registry(project, registry) as found:
            rows = found.history(records=True) if found else []
    else:
        with existing_registry(project, registry) as models:
            rows = models.history(name, records=True)
            if not len(rows):
                raise NotFound(
                    f"nothing ever happened to {name!r} in {models.label}",
                    hint=did_you_mean(name, models.names())
                    or "modelyard show lists the models; a renamed one has its history under its new name",
                )
    emit_rows(rows, COLUMNS, as_json, none="nothing has happened yet")  # type: ignore[arg-type]  # records=True gives a list
