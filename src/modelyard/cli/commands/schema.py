"""``modelyard schema``: what a model takes and gives."""

from __future__ import annotations

import json

import click

from modelyard.cli.options import json_option, project_option, ref_argument, rev_option
from modelyard.cli.output import emit


@click.command(name="schema")
@ref_argument(metavar="REF|DATA")
@json_option
@project_option
@rev_option
def command(ref: str, as_json: bool, project: str | None, rev: str | None) -> None:
    """Show what a model takes and gives, or what data looks like, as JSON Schema.

    DATA is a saved data object, or a file of data, which is read to find out.

    \b
    Examples:
      modelyard schema models/churn
      modelyard schema new.csv
      modelyard schema new.xlsx --json
    """
    from modelyard.yard.verbs import schema_of

    schema = schema_of(ref, project=project, rev=rev)
    spelled = schema.json_schema()
    emit(spelled, as_json, lambda: json.dumps(spelled, indent=2, ensure_ascii=False))
