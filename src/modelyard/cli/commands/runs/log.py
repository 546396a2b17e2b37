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
@click.option(
    "--file",
    "file",
    metavar="FILE",
    help='JSON, one object or one a line: {"loss": 0.3, "step": 2}, {"params": {"depth": 3}}; - is standard input.',
)
@json_option
@project_option
def command(
    run_id: str,
    metrics: tuple[str, ...],
    params: tuple[str, ...],
    tags: tuple[str, ...],
    step: int,
    file: str | None,
    as_json: bool,
    project: str | None,
) -> None:
    """Log values to a run: all of them, or none when one is refused.

    \b
    Examples:
      modelyard runs log $RUN --metric loss=0.31 --step 12 --param depth=3
      modelyard runs log $RUN --file - < metrics.jsonl
    """
    from modelyard.base.clock import now_ms
    from modelyard.cli.commands.runs.said import batch_in, text_at
    from modelyard.cli.yards import runs_to_log_to
    from modelyard.tracking.interface import Batch, Metric

    at_ms = now_ms()
    points = [Metric(k, v, at_ms, step) for k, v in numbers(metrics, "--metric").items()]
    batch = Batch(points, pairs(params, "--param"), dict(pairs(tags, "--tag")))
    if file is not None:
        more = batch_in(text_at(file), file, step)
        batch = Batch(
            [*points, *more.metrics], {**more.params, **batch.params}, {**more.tags, **batch.tags}
        )
    with runs_to_log_to(project) as runs:
        runs.write(run_id, batch)
    logged = len(batch.metrics) + len(batch.params) + len(batch.tags)
    report({"run_id": run_id, "logged": logged}, as_json, f"logged {logged} values to {run_id}")
