"""``modelyard predictions feedback``."""

from __future__ import annotations

import click

from modelyard.base.errors import NotFound
from modelyard.cli.options import value_of
from modelyard.cli.output import project_option, say
from modelyard.yard.yard import Yard


@click.command(name="feedback")
@click.argument("reference_id")
@click.argument("actual")
@project_option
def command(reference_id: str, actual: str, project: str | None) -> None:
    """Tell what turned out to be true: ACTUAL is JSON or text.

    \b
    Examples:
      modelyard predictions feedback order-17 true
    """
    with Yard(project=project) as yard:
        count = yard.predictions.feedback(reference_id, value_of(actual))
    if count == 0:
        raise NotFound(f"no logged prediction has the reference {reference_id!r}")
    say(f"noted for {count} prediction{'s' * (count != 1)}")
