"""``modelyard runs export``."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import report


@click.command(name="export")
@click.argument("run_id")
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
@project_option
def command(run_id: str, folder: Path, as_json: bool, project: str | None) -> None:
    """Write the files of a run into a new folder.

    \b
    Examples:
      modelyard runs export 019c0f6f4b1a7c33a1d2c3b4a5968778 ./files
    """
    from modelyard.cli.yards import existing_yard

    with existing_yard(project) as yard:
        written = yard.runs.export(run_id, folder)
    report({"path": str(written)}, as_json, f"wrote {written}")
