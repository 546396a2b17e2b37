"""``modelyard registry detach``: another repository's models no longer beside the yard's."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import report


@click.command(name="detach")
@click.argument("name")
@json_option
@project_option
def command(name: str, as_json: bool, project: str | None) -> None:
    """Show a repository's models in the yard's table no longer. Nothing of the repository changes.

    \b
    Examples:
      modelyard registry detach theirs
    """
    from modelyard.cli.yards import existing_yard
    from modelyard.yard.attached import detach

    with existing_yard(project) as yard:
        gone = detach(yard, name)
    report(gone.to_dict(), as_json, f"detached {gone.name}: {gone.location}")
