"""``modelyard evaluate``: measure a model against known answers."""

from __future__ import annotations

from typing import Any

import click

from modelyard.cli.options import (
    json_option,
    project_option,
    ref_argument,
    rev_option,
    trust_option,
)
from modelyard.cli.output import emit, table


@click.command(name="evaluate")
@ref_argument()
@click.argument("data")
@click.option("--target", required=True, help="The column with the true answers.")
@click.option(
    "--metric", "metrics", multiple=True, help="Only this metric; may be given several times."
)
@click.option("--baseline", metavar="REF", help="Compare with this model.")
@trust_option
@json_option
@project_option
@rev_option
def command(
    ref: str, data: str, metrics: tuple[str, ...], as_json: bool, rev: str | None, **options: Any
) -> None:
    """Measure a model against known answers, and write the metrics to its card or version.

    \b
    Examples:
      modelyard evaluate models/churn test.csv --target churned
      modelyard evaluate models/churn test.csv --target churned --metric accuracy --metric f1
      modelyard evaluate churn@3 test.csv --target churned --baseline churn#prod
    """
    from modelyard.yard.resolving import project_folder
    from modelyard.yard.verbs import evaluate

    project_folder(options["project"], rev)  # says what cannot be looked at yet
    values = evaluate(ref, data, metrics=list(metrics) or None, **options)
    emit(values, as_json, lambda: metrics_table(values))


def metrics_table(values: dict[str, Any]) -> str:
    """One row a metric, with the baseline beside it when there is one."""
    compared = values.get("baseline")
    rows = [{"metric": m, "value": v} for m, v in values.items() if m != "baseline"]
    if compared is None:
        return table(rows)
    for row in rows:
        beside = compared.get(row["metric"])
        if beside:
            row |= {"baseline": beside["baseline"], "difference": beside["difference"]}
            row["is"] = (
                ("better" if beside["better"] else "worse") if beside["difference"] else "equal"
            )
    return table(rows, ["metric", "value", "baseline", "difference", "is"])
