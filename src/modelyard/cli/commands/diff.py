"""``modelyard diff``: what changed between two objects."""

from __future__ import annotations

import click

from modelyard.base.errors import CheckFailed
from modelyard.cli.options import json_option, project_option, ref_argument, rev_option
from modelyard.cli.output import emit


@click.command(name="diff")
@ref_argument("a")
@ref_argument("b")
@click.option("--check", is_flag=True, help="Exit with code 6 when B would break callers of A.")
@json_option
@project_option
@rev_option
def command(
    a: str, b: str, check: bool, as_json: bool, project: str | None, rev: str | None
) -> None:
    """Compare two objects: schema, metrics, requirements, content; the result is same, compatible or breaking.

    Breaking is what callers of A would notice when B took its place: a call that may be refused now, an answer of
    another shape; the reason stands beside each. Exit code 0, whatever the result; with --check 6 when it is breaking.

    \b
    Examples:
      modelyard diff models/churn models/churn2
      modelyard diff churn@2 churn@3 --json
      modelyard diff churn#prod models/churn --check
    """
    from modelyard.cli.reports import diff_report
    from modelyard.objects.comparing import compare_cards
    from modelyard.yard.resolving import resolve

    first, second = (resolve(ref, project=project, rev=rev).card for ref in (a, b))
    facts = compare_cards(first, second)
    emit(facts, as_json, lambda: diff_report(facts, a, b))
    if check and facts["result"] == "breaking":
        raise CheckFailed(f"{b} would break callers of {a}")
