"""``modelyard models list``."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import emit_rows

SHOWN = [
    "id",
    "name",
    "version",
    "semver",
    "stages",
    "aliases",
    "estimator_class",
    "dataset",
    "target",
    "metrics",
    "created_at",
]


@click.command(name="list")
@json_option
@project_option
def command(as_json: bool, project: str | None) -> None:
    """List registered models, all versions.

    \b
    Examples:
      modelyard models list
      modelyard models list --json
    """
    from modelyard.cli.yards import registry_if_any

    with registry_if_any(project) as yard:
        rows = yard.models.list(records=True) if yard else []
    emit_rows(rows, SHOWN, as_json, none="no models yet: modelyard register models/name")  # type: ignore[arg-type]  # records=True gives a list
