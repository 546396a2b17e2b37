"""``modelyard artifacts list``."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import emit_rows


@click.command(name="list")
@click.argument("run_id")
@click.argument("folder", default="")
@click.option("-r", "--recursive", is_flag=True, help="All files below, not one level.")
@json_option
@project_option
def command(run_id: str, folder: str, recursive: bool, as_json: bool, project: str | None) -> None:
    """List the files of a run, or of a logged model (m-...).

    \b
    Examples:
      modelyard artifacts list 019c0f6f4b1a7c33a1d2c3b4a5968778 plots
    """
    from modelyard.cli.yards import existing_yard

    with existing_yard(project) as yard:
        owner = yard.runs.owner_of(run_id)
        rows = [
            {
                "path": entry.path + "/" * entry.is_folder,
                "size": entry.size,
                "files": entry.files if entry.is_folder else None,
                "sha256": entry.sha256,
            }
            for entry in yard.runs.files(owner, folder, recursive=recursive)
        ]
    emit_rows(rows, ["path", "size", "files", "sha256"], as_json, none=f"no files in {run_id}")
