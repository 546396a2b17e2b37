"""``modelyard predictions export``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from modelyard.cli.commands.predictions.erase import counted
from modelyard.cli.commands.predictions.options import which_options
from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import report


@click.command(name="export")
@which_options
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="A .jsonl or .csv file."
)
@json_option
@project_option
def command(output: Path, as_json: bool, project: str | None, **which: Any) -> None:
    """Write logged predictions to a file, however many there are.

    \b
    Examples:
      modelyard predictions export -o all.jsonl
      modelyard predictions export --model churn -o churn.csv
    """
    from modelyard.cli.yards import existing_yard

    with existing_yard(project) as yard:
        count = yard.predictions.export(output, **which)
    facts = {"path": str(output), "predictions": count}
    report(facts, as_json, f"wrote {counted(count)} to {output}")
