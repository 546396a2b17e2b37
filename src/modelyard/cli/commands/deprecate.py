"""``modelyard deprecate``: a model that is not to be used any more."""

from __future__ import annotations

import click

from modelyard.cli.options import (
    comment_option,
    dry_run_option,
    json_option,
    name_argument,
    project_option,
    push_option,
    registry_option,
)
from modelyard.cli.output import emit


@click.command(name="deprecate")
@name_argument()
@comment_option
@push_option
@dry_run_option
@json_option
@registry_option
@project_option
def command(
    name: str,
    comment: str,
    push: bool | None,
    dry_run: bool,
    as_json: bool,
    registry: str | None,
    project: str | None,
) -> None:
    """Mark a model as not to be used any more: `show` leaves it out. Registering or promoting it takes that back.

    \b
    Examples:
      modelyard deprecate churn -m "use retention instead"
    """
    from modelyard.cli.registries import changing

    with changing(project, registry, push, dry_run) as models:
        models.deprecate(name, comment)
        verb = "would be" if dry_run else "is"
        emit({"name": name, "deprecated": True}, as_json, lambda: f"{name} {verb} deprecated")
