"""``modelyard data add``: a file as a data set."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.output import emit, json_option, project_option
from modelyard.yard.yard import Yard


@click.command(name="add")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the data set; the file's name when left out.")
@click.option("--description", default="")
@json_option
@project_option
def command(
    file: Path, name: str | None, description: str, as_json: bool, project: str | None
) -> None:
    """Add a file as a data set. Equal content is the version it was already.

    \b
    Examples:
      modelyard data add iris.csv
      modelyard data add iris.parquet --name iris
    """
    with Yard(project=project) as yard:
        dataset = yard.datasets.add(file, name or file.stem, description)
        emit(
            dataset.row(),
            as_json,
            lambda: f"{dataset.ref}  {dataset.size_rows} rows, {dataset.size_cols} columns",
        )
