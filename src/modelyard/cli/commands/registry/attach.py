"""``modelyard registry attach``: another repository's models beside the yard's."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import emit


@click.command(name="attach")
@click.argument("location", metavar="PATH|URL")
@click.option("--name", help="What it is called here, if not as its last segment.")
@json_option
@project_option
def command(location: str, name: str | None, as_json: bool, project: str | None) -> None:
    """Show the models of a Git repository in one table with the yard's, in `modelyard show`.

    Nothing is copied: its tags are read each time.

    \b
    Examples:
      modelyard registry attach ../models
      modelyard registry attach https://github.com/org/models --name theirs
    """
    from modelyard.cli.yards import new_or_existing_yard
    from modelyard.yard.attached import attach

    with new_or_existing_yard(project) as yard:
        found = attach(yard, location, name)
    emit(found.to_dict(), as_json, lambda: f"{found.name}: {found.location}")
