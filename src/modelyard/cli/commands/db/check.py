"""``modelyard db check``."""

from __future__ import annotations

import click

from modelyard.cli.output import emit, json_option, project_option
from modelyard.yard.yard import Yard


@click.command(name="check")
@json_option
@project_option
def command(as_json: bool, project: str | None) -> int:
    """Verify the yard: tables, links, every stored byte. Exit code 6 when something is wrong.

    \b
    Examples:
      modelyard db check
    """
    with Yard(project=project) as yard:
        problems = yard.check()
        label = yard.label
    emit(problems, as_json, lambda: "\n".join(problems) or f"{label} is sound")
    return 6 if problems else 0
