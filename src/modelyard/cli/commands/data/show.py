"""``modelyard data show``: the columns of a data set."""

from __future__ import annotations

import click

from modelyard.cli.output import emit, json_option, project_option, table
from modelyard.yard.yard import Yard

SHOWN = [
    "column_name",
    "original_dtype",
    "null_count",
    "unique_count",
    "min_value_num",
    "max_value_num",
    "mean",
]


@click.command(name="show")
@click.argument("ref")
@json_option
@project_option
def command(ref: str, as_json: bool, project: str | None) -> None:
    """Show the columns of a data set: types, missing and distinct values, range, quantiles or top values.

    \b
    Examples:
      modelyard data show iris@1
    """
    with Yard(project=project) as yard:
        dataset = yard.datasets.get(ref)
        columns = dataset.info(records=True)
    facts = {**dataset.row(), "columns": columns}
    head = f"{dataset.ref}  {dataset.size_rows} rows, {dataset.size_cols} columns  {dataset.description}".rstrip()
    emit(facts, as_json, lambda: f"{head}\n{table(columns, SHOWN)}")  # type: ignore[arg-type]  # a list
