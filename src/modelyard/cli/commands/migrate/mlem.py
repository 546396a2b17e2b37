"""``modelyard migrate mlem``: objects that MLEM saved, as objects of ours."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.commands.migrate.summary import show
from modelyard.cli.options import dry_run_option, json_option

COLUMNS = ("source", "kind", "format", "tier", "target", "status", "error")


@click.command(name="mlem")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("-r", "--recursive", is_flag=True, help="Also what lies in folders below.")
@click.option(
    "--to",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Write there; beside the originals when left out.",
)
@click.option("--remove", is_flag=True, help="Remove each original once it is converted.")
@dry_run_option
@json_option
def command(
    path: Path, recursive: bool, to: Path | None, remove: bool, dry_run: bool, as_json: bool
) -> None:
    """Convert .mlem files, in place or into a folder.

    Of any version (0.1 to 0.4): models, data, links and declarations. Nothing is loaded and no file of a model is changed. What cannot be converted is told, and the rest goes on (exit 1).

    \b
    Examples:
      modelyard migrate mlem models/rf
      modelyard migrate mlem . -r --dry-run
      modelyard migrate mlem old/ -r --to new/
    """
    from modelyard.compat._mlem.converting import convert

    rows = [c.row() for c in convert(path, recursive=recursive, to=to, remove=remove, dry_run=dry_run)]  # fmt: skip
    show(rows, COLUMNS, as_json)
