"""``modelyard checkenv``: compare this environment with the one of a model."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option, ref_argument, rev_option
from modelyard.cli.output import emit, say


@click.command(name="checkenv")
@ref_argument()
@json_option
@project_option
@rev_option
def command(ref: str, as_json: bool, project: str | None, rev: str | None) -> int:
    """Compare this environment with what a model was saved in. Exit code 6 when they differ.

    \b
    Examples:
      modelyard checkenv models/churn
    """
    from modelyard import environments
    from modelyard.yard.resolving import resolve

    differences = environments.check(resolve(ref, project=project, rev=rev).card.requirements)
    lines = environments.describe(differences)
    rows = [
        {"package": d.package, "wanted": d.wanted, "found": d.found, "kind": d.kind}
        for d in differences
    ]
    emit(rows, as_json, lambda: "\n".join(lines) or f"{ref}: the environment fits")
    if differences and not as_json:
        say(f"mend it with: {environments.fix_line(differences)}")
    return 6 if differences else 0
