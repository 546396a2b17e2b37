"""``modelyard db backup``."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import report


@click.command(name="backup")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@project_option
def command(file: Path, as_json: bool, project: str | None) -> None:
    """Copy the yard to a new file, consistent while others write.

    Files that are kept beside the yard are copied into a folder beside the new one.

    \b
    Examples:
      modelyard db backup backups/yard-friday.db
    """
    from modelyard.cli.yards import existing_yard

    with existing_yard(project) as yard:
        written = yard.backup(file)
    report({"path": str(written)}, as_json, f"wrote {written}")
