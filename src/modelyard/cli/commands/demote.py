"""``modelyard demote``: take a stage away."""

from __future__ import annotations

import click

from modelyard.cli.options import Change, changes_registry, comment_option, name_argument
from modelyard.cli.output import emit


@click.command(name="demote")
@name_argument()
@click.option("--stage", required=True, help="The stage to empty.")
@comment_option
@changes_registry
def command(name: str, stage: str, comment: str, as_json: bool, change: Change) -> None:
    """Take a stage away: NAME empties it; NAME@3 takes that version out, and the one before holds it again.

    \b
    Examples:
      modelyard demote churn --stage prod
      modelyard demote churn@3 --stage prod -m "wrong on Mondays"
    """
    from modelyard.cli.registries import changing

    name, _, version = name.partition("@")
    with changing(change) as models:
        models.demote(name, stage, version or None, comment)
        holder = models.get_stages(name).get(stage)
        verb = "would be" if change.dry_run else "is"
        emit({"name": name, "stage": stage, "holder": holder}, as_json,
             lambda: f"{stage} of {name} {verb} empty" if holder is None else f"{name}@{holder} {verb} in {stage} again")  # fmt: skip
