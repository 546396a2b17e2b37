"""``modelyard data add``: a file as a data set."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import emit


@click.command(name="add")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the data set; the file's name when left out.")
@click.option("--description", default="", help="What it is.")
@json_option
@project_option
def command(
    file: Path, name: str | None, description: str, as_json: bool, project: str | None
) -> None:
    """Add a file as a data set: csv, tsv, json, jsonl, parquet, npz, npy, or a saved data object.

    Equal content is the version it was already.

    \b
    Examples:
      modelyard data add iris.csv
      modelyard data add iris.parquet --name iris --description "measured by hand"
    """
    from modelyard.cli.yards import new_or_existing_yard

    with new_or_existing_yard(project) as yard:
        dataset = yard.datasets.add(file, name or file.stem, description)
        emit(dataset.row(), as_json, lambda: f"{dataset.ref}{shape_text(dataset)}")


def shape_text(dataset: object) -> str:
    """``  200 rows, 3 columns``, or nothing for what is no table."""
    rows, columns = getattr(dataset, "size_rows", None), getattr(dataset, "size_cols", None)
    parts = [f"{rows} rows"] if rows is not None else []
    parts += [f"{columns} columns"] if columns is not None else []
    return f"  {', '.join(parts)}" if parts else ""
