"""``modelyard models get``: a registered model to a path."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.output import project_option, say
from modelyard.objects.copying import copy_source
from modelyard.yard.yard import Yard


@click.command(name="get")
@click.argument("ref")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Path to write the model to.",
)
@project_option
def command(ref: str, output: Path, project: str | None) -> None:
    """Write a registered model to a path: its files and its card, verified.

    \b
    Examples:
      modelyard models get churn@champion -o models/churn
    """
    with Yard(project=project) as yard:
        copy_source(yard.models.source(ref), output)
    say(f"wrote {output}")
