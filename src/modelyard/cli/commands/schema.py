"""``modelyard schema``: what a model takes and gives."""

from __future__ import annotations

import json

import click

from modelyard.cli.output import emit, json_option, project_option, rev_option
from modelyard.types.schema import Schema
from modelyard.yard.resolving import resolve


@click.command(name="schema")
@click.argument("ref")
@json_option
@project_option
@rev_option
def command(ref: str, as_json: bool, project: str | None, rev: str | None) -> None:
    """Show what a model takes and gives, or what data looks like, as JSON Schema.

    \b
    Examples:
      modelyard schema models/churn
    """
    card = resolve(ref, project=project, rev=rev).card
    spelled = Schema(methods=card.methods, value=card.schema).json_schema()
    emit(spelled, as_json, lambda: json.dumps(spelled, indent=2, ensure_ascii=False))
