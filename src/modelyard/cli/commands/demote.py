"""``modelyard demote``: take a stage away."""

from __future__ import annotations

import click

from modelyard.cli.output import emit, json_option, project_option
from modelyard.yard.yard import Yard


@click.command(name="demote")
@click.argument("name")
@click.option("--stage", required=True, help="The stage to empty.")
@click.option("-m", "--comment", default="", help="Why.")
@json_option
@project_option
def command(name: str, stage: str, comment: str, as_json: bool, project: str | None) -> None:
    """Take a stage away: NAME empties it; NAME@3 takes that version out, and the one before holds it again.

    \b
    Examples:
      modelyard demote churn --stage prod
    """
    name, _, version = name.partition("@")
    with Yard(project=project) as yard:
        yard.models.demote(name, stage, version or None, comment)
        held = {s: a for s, a in yard.models.get_stages(name).items() if s == stage}
        emit({"name": name, "stage": stage, "holder": held.get(stage)}, as_json,
             lambda: f"{name}: {stage} is held by {held[stage]}" if held else f"{name}: {stage} is empty")  # fmt: skip
