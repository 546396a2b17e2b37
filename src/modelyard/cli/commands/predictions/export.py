"""``modelyard predictions export``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from modelyard.cli.commands.predictions.options import which_options
from modelyard.cli.output import project_option, say
from modelyard.yard.yard import Yard


@click.command(name="export")
@which_options
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="A .jsonl or .csv file."
)
@project_option
def command(output: Path, project: str | None, **which: Any) -> None:
    """Write logged predictions to a file, however many there are.

    \b
    Examples:
      modelyard predictions export --model churn -o churn.jsonl
    """
    with Yard(project=project) as yard:
        count = yard.predictions.export(output, **which)
    say(f"wrote {count} predictions to {output}")
