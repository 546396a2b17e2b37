"""``modelyard list``: saved objects below a folder."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.output import emit, json_option, table
from modelyard.objects.listing import COLUMNS, list_objects


@click.command(name="list")
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--label", multiple=True, help="Only objects with this label.")
@click.option("--flavor", help="Only models of this flavor.")
@click.option("--kind", type=click.Choice(["model", "data"]), help="Only models, or only data.")
@json_option
def command(
    path: Path, label: tuple[str, ...], flavor: str | None, kind: str | None, as_json: bool
) -> None:
    """List saved objects in a folder, or the models of the registry.

    Cards are read, nothing is loaded. A card that cannot be read is listed with its error.

    \b
    Examples:
      modelyard list
      modelyard list models --flavor sklearn --json
    """
    rows = list_objects(path, labels=label, flavor=flavor, kind=kind)
    emit(rows, as_json, lambda: table(rows, COLUMNS) if rows else f"no saved objects in {path}")
