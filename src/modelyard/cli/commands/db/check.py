"""``modelyard db check``."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import emit


@click.command(name="check")
@json_option
@project_option
def command(as_json: bool, project: str | None) -> int:
    """Verify the yard: tables, links, every stored byte. Exit code 6 when something is wrong.

    \b
    Examples:
      modelyard db check
    """
    from modelyard.cli.yards import existing_yard

    with existing_yard(project) as yard:
        problems = yard.check()
        label = yard.label
    emit(problems, as_json, lambda: "\n".join(problems) or f"{label} is sound")
    return 6 if problems else 0
