"""``modelyard runs log``."""

from __future__ import annotations

import click

from modelyard.cli.commands.runs.pairs import numbers, pairs
from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import report


@click.command(name="log")
@click.argument("run_id")
@click.option(
    "--metric", "metrics", multiple=True, metavar="KEY=NUMBER", help="A point of a metric."
)
@click.option(
    "--param", "params", multiple=True, metavar="KEY=VALUE", help="A param; written once."
)
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag.")
@click.option("--step", type=int, default=0, show_default=True, help="Of the metrics.")
@json_option
@project_option
def command(
    run_id: str,
    metrics: tuple[str, ...],
    params: tuple[str, ...],
    tags: tuple[str, ...],
    step: int,
    as_json: bool,
    project: str | None,
) -> None:
    """Log values to a run: all of them, or none when one is refused.

    \b
    Examples:
      modelyard runs log $RUN --metric loss=0.31 --step 12 --param depth=3
    """
    from modelyard.cli.yards import existing_yard

    said = numbers(metrics, "--metric"), pairs(params, "--param"), pairs(tags, "--tag")
    with existing_yard(project) as yard:
        yard.runs.log(run_id, metrics=said[0], params=said[1], tags=dict(said[2]), step=step)
    logged = sum(map(len, said))
    report({"run_id": run_id, "logged": logged}, as_json, f"logged {logged} values to {run_id}")
