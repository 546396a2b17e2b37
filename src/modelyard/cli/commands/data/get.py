"""``modelyard data get``: a data set to a file."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import report


@click.command(name="get")
@click.argument("ref")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="File to write; its suffix is the format.",
)
@json_option
@project_option
def command(ref: str, output: Path, as_json: bool, project: str | None) -> None:
    """Write a data set to a file, verified.

    \b
    Examples:
      modelyard data get iris@1 -o iris.csv
    """
    from modelyard.cli.yards import existing_yard
    from modelyard.objects import formats

    formats.data_format(output)  # an unknown suffix is told before anything is read
    with existing_yard(project) as yard:
        dataset = yard.datasets.get(ref)
        formats.write_path(dataset.data, output)
    report({"ref": dataset.ref, "path": str(output)}, as_json, f"wrote {dataset.ref} to {output}")
