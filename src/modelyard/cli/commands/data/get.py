"""``modelyard data get``: a data set to a file."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.output import project_option, say
from modelyard.objects import formats
from modelyard.yard.yard import Yard


@click.command(name="get")
@click.argument("ref")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="File to write; its suffix is the format.",
)
@project_option
def command(ref: str, output: Path, project: str | None) -> None:
    """Write a data set to a file, verified.

    \b
    Examples:
      modelyard data get iris@1 -o iris.csv
    """
    with Yard(project=project) as yard:
        formats.write_path(yard.datasets.get(ref).data, output)
    say(f"wrote {output}")
