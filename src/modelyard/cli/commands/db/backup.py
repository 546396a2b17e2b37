"""``modelyard db backup``."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.output import project_option, say
from modelyard.yard.yard import Yard


@click.command(name="backup")
@click.argument("file", type=click.Path(path_type=Path))
@project_option
def command(file: Path, project: str | None) -> None:
    """Copy the yard to a new file, consistent while others write.

    \b
    Examples:
      modelyard db backup backups/yard-friday.db
    """
    with Yard(project=project) as yard:
        say(f"wrote {yard.backup(file)}")
