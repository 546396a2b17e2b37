"""``modelyard runs list``."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import emit_rows

BY_ITSELF = ("tags.mlflow.", "tags.modelyard.", "metrics.system/")
"""Columns of what is recorded without anybody asking: a dozen of them would hide the rest."""


@click.command(name="list")
@click.argument("filter", default="")
@click.option(
    "--experiment", "experiments", multiple=True, metavar="NAME", help="Only of this one."
)
@click.option("--order-by", multiple=True, metavar="FIELD", help="As in 'metrics.acc DESC'.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many."
)
@click.option(
    "--view", type=click.Choice(["active", "deleted", "all"]), default="active", help="Which ones."
)
@json_option
@project_option
def command(
    filter: str,
    experiments: tuple[str, ...],
    order_by: tuple[str, ...],
    limit: int,
    view: str,
    as_json: bool,
    project: str | None,
) -> None:
    """List runs, newest first, or those that a filter selects.

    What is recorded by itself (tags of MLflow and Modelyard, metrics of the machine) is in --json and `runs show`.

    \b
    Examples:
      modelyard runs list "metrics.acc > 0.9 and params.depth in ('3', '5')"
      modelyard runs list --experiment churn --order-by "metrics.acc DESC" --json
    """
    from modelyard.cli.yards import yard_if_any
    from modelyard.yard.runs import columns_of

    with yard_if_any(project) as yard:
        rows = [] if yard is None else yard.runs.search(
            filter, order_by=order_by, experiments=experiments or None, view=view, limit=limit, records=True
        )  # fmt: skip
    columns = [name for name in columns_of(rows) if not name.startswith(BY_ITSELF)]  # type: ignore[arg-type]  # records=True gives a list
    emit_rows(rows, columns, as_json, none="no runs: modelyard runs start begins one")  # type: ignore[arg-type]  # records=True gives a list
