"""``modelyard clone``: a copy of an object."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option, ref_argument, rev_option
from modelyard.cli.output import emit


@click.command(name="clone")
@ref_argument()
@click.argument("target")
@json_option
@project_option
@rev_option
def command(ref: str, target: str, as_json: bool, project: str | None, rev: str | None) -> None:
    """Copy an object.

    TARGET is where the copy goes. REF is saved or registered, or another tool saved it: the copy is an object of ours.
    Every file is verified on the way; the model is not loaded. Of a link, what it leads to is copied.

    \b
    Examples:
      modelyard clone models/churn backup/churn
      modelyard clone churn#prod models/churn
      modelyard clone old/rf.mlem models/rf
    """
    from modelyard.yard.cloning import clone

    card = clone(ref, target, project=project, rev=rev)
    facts = {"path": target, "kind": card.kind, "digest": card.digest}
    emit(facts, as_json, lambda: target)
