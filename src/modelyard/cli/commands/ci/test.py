"""``modelyard ci test``: whether a model loads and answers."""

from __future__ import annotations

import click

from modelyard.cli.options import (
    check_env_option,
    json_option,
    project_option,
    ref_argument,
    rev_option,
    trust_option,
)
from modelyard.cli.output import emit


@click.command(name="test")
@ref_argument()
@trust_option
@check_env_option
@json_option
@project_option
@rev_option
def command(
    ref: str, trust: str | None, check_env: str, as_json: bool, project: str | None, rev: str | None
) -> None:
    """Load a model and call its methods on the sample of its card. Exit code 6 when one fails or answers otherwise than
    its schema says.

    \b
    Examples:
      modelyard ci test models/churn
      modelyard ci test churn@v1.2.0 --json
    """
    from modelyard.objects.load import load_model
    from modelyard.objects.trying import tried
    from modelyard.yard.resolving import resolve

    source = resolve(ref, project=project, rev=rev)
    answers = tried(load_model(source, trust=trust, check_env=check_env))  # type: ignore[arg-type]  # click checked it
    emit(dict(answers), as_json, lambda: "\n".join(f"ok  {m}: {a}" for m, a in answers.items()))
