"""``modelyard evaluate``: measure a model against known answers."""

from __future__ import annotations

from typing import Any

import click

from modelyard.cli.output import emit, json_option, project_option, table
from modelyard.yard.verbs import evaluate


@click.command(name="evaluate")
@click.argument("ref")
@click.argument("data")
@click.option("--target", required=True, help="The column with the true answers.")
@click.option(
    "--metric", "metrics", multiple=True, help="Only this metric; may be given several times."
)
@click.option("--baseline", metavar="REF", help="Compare with this model.")
@json_option
@project_option
def command(
    ref: str,
    data: str,
    target: str,
    metrics: tuple[str, ...],
    baseline: str | None,
    as_json: bool,
    project: str | None,
) -> None:
    """Measure a model against known answers, and write the metrics to its card or version.

    \b
    Examples:
      modelyard evaluate models/churn test.csv --target churned
      modelyard evaluate churn@3 test.csv --target churned --baseline churn#prod
    """
    values = evaluate(
        ref, data, target=target, metrics=list(metrics) or None, baseline=baseline, project=project
    )
    emit(values, as_json, lambda: metrics_table(values))


def metrics_table(values: dict[str, Any]) -> str:
    """One row a metric, with the baseline beside it when there is one."""
    compared = values.get("baseline", {})
    rows = [
        {
            "metric": name,
            "value": value,
            **{k: v for k, v in compared.get(name, {}).items() if k != "value"},
        }
        for name, value in values.items()
        if name != "baseline"
    ]
    return table(
        rows, ["metric", "value", "baseline", "difference", "better"] if compared else None
    )
