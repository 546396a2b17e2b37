"""``modelyard schema``: what a model takes and gives."""

from __future__ import annotations

import json
from pathlib import Path

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
    """
    from modelyard.objects import formats
    from modelyard.objects.source import object_exists
    from modelyard.types.schema import Schema
    from modelyard.yard.resolving import project_folder, resolve
    from modelyard.yard.verbs import infer_schema

    file = project_folder(project, rev) / Path(ref)
    if file.is_file() and formats.known_suffix(ref) and not object_exists(file):
        schema = infer_schema(formats.read_path(file))
    else:
        card = resolve(ref, project=project, rev=rev).card
        schema = Schema(methods=card.methods, value=card.schema)
    spelled = schema.json_schema()
    emit(spelled, as_json, lambda: json.dumps(spelled, indent=2, ensure_ascii=False))
