"""``modelyard link``: one object under another path."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option, ref_argument, rev_option
from modelyard.cli.output import emit


@click.command(name="link")
@ref_argument()
@click.argument("target")
@click.option("--absolute", is_flag=True, help="Keep where the object is now, not the way to it.")
@json_option
@project_option
@rev_option
def command(ref: str, target: str, absolute: bool, as_json: bool, project: str | None, rev: str | None) -> None:  # fmt: skip
    """Make a path stand for another object.

    REF is a saved object or a registered name. Whatever takes a reference follows the link. An earlier link is replaced.

    \b
    Examples:
      modelyard link models/churn-2026 models/churn
      modelyard link churn#prod models/current
    """
    from modelyard.yard.cloning import link

    card = link(ref, target, project=project, rev=rev, absolute=absolute)
    facts = {"path": target, "ref": card.options["ref"]}
    emit(facts, as_json, lambda: f"{target} -> {card.options['ref']}")
