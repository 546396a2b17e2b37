"""``modelyard predictions feedback``."""

from __future__ import annotations

import click

from modelyard.base.errors import NotFound
from modelyard.cli.commands.predictions.erase import counted
from modelyard.cli.options import json_option, project_option, value_of
from modelyard.cli.output import report


@click.command(name="feedback")
@click.argument("reference_id")
@click.argument("actual")
@json_option
@project_option
def command(reference_id: str, actual: str, as_json: bool, project: str | None) -> None:
    """Tell what turned out to be true: ACTUAL is JSON or text.

    \b
    Examples:
      modelyard predictions feedback order-17 true
      modelyard predictions feedback order-18 versicolor
    """
    from modelyard.cli.yards import existing_yard

    with existing_yard(project) as yard:
        count = yard.predictions.feedback(reference_id, value_of(actual))
    if count == 0:
        raise NotFound(
            f"no logged prediction has the reference {reference_id!r}",
            hint="modelyard predictions list shows the references",
        )
    facts = {"reference_id": reference_id, "predictions": count}
    report(facts, as_json, f"noted for {counted(count)}")
