"""``modelyard history``: what happened to a name."""

from __future__ import annotations

import click

from modelyard.base.errors import NotFound, did_you_mean
from modelyard.cli.options import json_option, name_argument, project_option
from modelyard.cli.output import emit_rows

COLUMNS = ["at", "event", "name", "version", "stage", "alias", "by", "comment"]


@click.command(name="history")
@name_argument(required=False)
@json_option
@project_option
def command(name: str | None, as_json: bool, project: str | None) -> None:
    """Show what happened to a name, or to all, newest first.

    \b
    Examples:
      modelyard history churn
      modelyard history --json
    """
    from modelyard.cli.yards import registry, registry_if_any

    if name is None:
        with registry_if_any(project) as found:
            rows = found.models.history(records=True) if found else []
    else:
        with registry(project) as yard:
            rows = yard.models.history(name, records=True)
            if not len(rows):
                raise NotFound(
                    f"nothing ever happened to {name!r} in {yard.label}",
                    hint=did_you_mean(name, yard.models.names())
                    or "modelyard show lists the models; a renamed one has its history under its new name",
                )
    emit_rows(rows, COLUMNS, as_json, none="nothing has happened yet")  # type: ignore[arg-type]  # records=True gives a list
