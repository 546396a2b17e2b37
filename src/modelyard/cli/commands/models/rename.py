"""``modelyard models rename``."""

from __future__ import annotations

import click

from modelyard.cli.options import (
    Change,
    json_option,
    name_argument,
    project_option,
    registry_option,
)
from modelyard.cli.output import report


@click.command(name="rename")
@name_argument()
@click.argument("new_name")
@json_option
@registry_option
@project_option
def command(
    name: str, new_name: str, as_json: bool, registry: str | None, project: str | None
) -> None:
    """Rename a model; versions, stages, aliases and history go with it.

    \b
    Examples:
      modelyard models rename chrun churn
    """
    from modelyard.cli.registries import changing

    with changing(Change(project, registry)) as models:
        models.rename(name, new_name)
    report({"from": name, "name": new_name}, as_json, f"{name} is {new_name} now")
