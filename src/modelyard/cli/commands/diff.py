"""``modelyard diff``: what changed between two objects."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option, ref_argument, rev_option
from modelyard.cli.output import emit


@click.command(name="diff")
@ref_argument("a")
@ref_argument("b")
@json_option
@project_option
@rev_option
def command(a: str, b: str, as_json: bool, project: str | None, rev: str | None) -> None:
    """Compare two objects: schema, metrics, requirements, content. A breaking change of the schema is marked.

    \b
    Examples:
      modelyard diff models/churn models/churn2
      modelyard diff churn@2 churn@3 --json
    """
    from modelyard.cli.reports import diff_report
    from modelyard.objects.comparing import compare_cards
    from modelyard.yard.resolving import resolve

    first, second = (resolve(ref, project=project, rev=rev).card for ref in (a, b))
    facts = compare_cards(first, second)
    emit(facts, as_json, lambda: diff_report(facts, a, b))
