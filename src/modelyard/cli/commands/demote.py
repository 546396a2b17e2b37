"""``modelyard demote``: take a stage away."""

from __future__ import annotations

import click

from modelyard.cli.options import comment_option, json_option, name_argument, project_option
from modelyard.cli.output import emit


@click.command(name="demote")
@name_argument()
@click.option("--stage", required=True, help="The stage to empty.")
@comment_option
@json_option
@project_option
def command(name: str, stage: str, comment: str, as_json: bool, project: str | None) -> None:
    """Take a stage away: NAME empties it; NAME@3 takes that version out, and the one before holds it again.

    \b
    Examples:
      modelyard demote churn --stage prod
      modelyard demote churn@3 --stage prod -m "wrong on Mondays"
    """
    from modelyard.cli.yards import registry

    name, _, version = name.partition("@")
    with registry(project) as yard:
        yard.models.demote(name, stage, version or None, comment)
        holder = yard.models.get_stages(name).get(stage)
    emit({"name": name, "stage": stage, "holder": holder}, as_json,
         lambda: f"{stage} of {name} is empty" if holder is None else f"{name}@{holder} is in {stage} again")  # fmt: skip
