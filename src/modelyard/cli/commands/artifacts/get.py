"""``modelyard artifacts get``."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import report


@click.command(name="get")
@click.argument("run_id")
@click.argument("path")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Where to; its own name when left out."
)
@json_option
@project_option
def command(
    run_id: str, path: str, output: Path | None, as_json: bool, project: str | None
) -> None:
    """Write a file of a run, or of a logged model (m-...), verified.

    \b
    Examples:
      modelyard artifacts get 019c0f6f4b1a7c33a1d2c3b4a5968778 plots/roc.svg -o roc.svg
    """
    from modelyard.base.errors import AlreadyExists
    from modelyard.cli.yards import existing_yard

    target = output or Path(path.rpartition("/")[2] or path)
    if target.exists() and output is None:
        raise AlreadyExists(f"{target} is there already", hint="name another file with -o")
    with existing_yard(project) as yard:
        yard.runs.download(yard.runs.owner_of(run_id), path, target)
    report({"path": str(target)}, as_json, f"wrote {target}")
