"""``modelyard artifacts put``."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import report


@click.command(name="put")
@click.argument("run_id")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--path", metavar="PATH", help="Within the run; the file's own name when left out.")
@json_option
@project_option
def command(run_id: str, file: Path, path: str | None, as_json: bool, project: str | None) -> None:
    """Keep a file with a run, instead of the one that is at this path.

    \b
    Examples:
      modelyard artifacts put 019c0f6f4b1a7c33a1d2c3b4a5968778 roc.svg --path plots/roc.svg
    """
    from modelyard.cli.yards import existing_yard

    with existing_yard(project) as yard:
        owner = yard.runs.owner_of(run_id)
        with file.open("rb") as stream:
            entry = yard.artifacts.put(owner, path or file.name, stream)
    facts = {"path": entry.path, "size": entry.size, "sha256": entry.sha256}
    report(facts, as_json, f"kept {entry.path} ({entry.size} bytes)")
