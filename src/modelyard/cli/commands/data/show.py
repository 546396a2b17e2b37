"""``modelyard data show``: the columns of a data set."""

from __future__ import annotations

import click

from modelyard.cli.commands.data.add import shape_text
from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import emit


@click.command(name="show")
@click.argument("ref")
@json_option
@project_option
def command(ref: str, as_json: bool, project: str | None) -> None:
    """Show the columns of a data set: types, missing and distinct values, range, quantiles or top values.

    \b
    Examples:
      modelyard data show iris@1
      modelyard data show iris --json
    """
    from modelyard.cli.reports import profile_lines
    from modelyard.cli.yards import existing_yard

    with existing_yard(project) as yard:
        dataset = yard.datasets.get(ref)
        columns = dataset.info(records=True)
    facts = {**dataset.row(), "columns": columns}
    head = f"{dataset.ref}{shape_text(dataset)}  {dataset.description}".rstrip()
    emit(facts, as_json, lambda: "\n".join([head, *profile_lines(columns)]))  # type: ignore[arg-type]  # a list
