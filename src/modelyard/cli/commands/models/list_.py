"""``modelyard models list``."""

from __future__ import annotations

from typing import Any

import click

from modelyard.cli.options import json_option, project_option, registry_option
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
    "created_by",
    "active",
    "commit",
]


def columns(rows: Any) -> list[str]:
    """Those that this registry has."""
    only = {"created_by", "commit"} if rows and "id" in rows[0] else set[str]()
    return [name for name in SHOWN if name not in only and any(name in row for row in rows)]


@click.command(name="list")
@json_option
@registry_option
@project_option
def command(as_json: bool, registry: str | None, project: str | None) -> None:
    """List registered models, all versions.

    \b
    Examples:
      modelyard models list
      modelyard models list --json
    """
    from modelyard.yard.registries import opened_registry

    with opened_registry(project, registry) as models:
        rows = models.list(records=True) if models is not None else []
    emit_rows(rows, columns(rows), as_json, none="no models yet: modelyard register models/name")  # type: ignore[arg-type]  # records=True gives a list
