"""``modelyard predictions erase``."""

from __future__ import annotations

import sys
from typing import Any

import click

from modelyard.base.errors import InvalidInput
from modelyard.cli.commands.predictions.options import which_options
from modelyard.cli.output import dry_run_option, project_option, say, yes_option
from modelyard.yard.yard import Yard


@click.command(name="erase")
@which_options
@yes_option
@dry_run_option
@project_option
def command(yes: bool, dry_run: bool, project: str | None, **which: Any) -> None:
    """Erase logged predictions for good. At least one option must say which.

    \b
    Examples:
      modelyard predictions erase --reference-id customer-4711 --yes
    """
    if not any(which.values()):
        raise InvalidInput(
            "say which predictions to erase", hint="--reference-id, --model, --since, --until"
        )
    with Yard(project=project) as yard:
        count = yard.predictions.count(**which)
        if dry_run:
            say(f"would erase {count} predictions")
            return
        if not yes:
            if not sys.stdin.isatty():
                raise InvalidInput(
                    "erasing asks a question, and nobody is here to answer", hint="add --yes"
                )
            click.confirm(f"Erase {count} predictions for good?", abort=True, err=True)
        say(f"erased {yard.predictions.erase(**which)} predictions")
