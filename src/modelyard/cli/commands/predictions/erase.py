"""``modelyard predictions erase``."""

from __future__ import annotations

from typing import Any

import click

from modelyard.base.errors import InvalidInput
from modelyard.cli.commands.predictions.options import which_options
from modelyard.cli.options import dry_run_option, json_option, project_option, yes_option
from modelyard.cli.output import confirm, report


@click.command(name="erase")
@which_options
@yes_option
@dry_run_option
@json_option
@project_option
def command(yes: bool, dry_run: bool, as_json: bool, project: str | None, **which: Any) -> None:
    """Erase logged predictions for good. At least one option must say which.

    \b
    Examples:
      modelyard predictions erase --reference-id customer-4711 --yes
      modelyard predictions erase --model churn --until 2026-01-01T00:00:00Z --dry-run
    """
    from modelyard.cli.yards import existing_yard

    if not any(which.values()):
        raise InvalidInput(
            "say which predictions to erase",
            hint="--reference-id, --request-id, --model, --since, --until",
        )
    with existing_yard(project) as yard:
        count = yard.predictions.count(**which)
        if dry_run:
            report({"would_erase": count}, as_json, f"would erase {counted(count)}")
            return
        if count:
            confirm(f"Erase {counted(count)} for good?", yes)
        erased = yard.predictions.erase(**which)
    report({"erased": erased}, as_json, f"erased {counted(erased)}")


def counted(count: int) -> str:
    """``1 prediction``, ``2 predictions``."""
    return f"{count} prediction{'s' * (count != 1)}"
