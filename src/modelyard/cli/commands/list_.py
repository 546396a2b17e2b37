"""``modelyard list``: saved objects below a folder."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.options import json_option
from modelyard.cli.output import emit_rows


@click.command(name="list")
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--label", multiple=True, help="Only objects with this label.")
@click.option("--flavor", help="Only models of this flavor.")
@click.option("--kind", type=click.Choice(["model", "data"]), help="Only models, or only data.")
@click.option(
    "--where", metavar="FILTER", help="Only objects that fit, as in: metrics.accuracy > 0.9"
)
@json_option
def command(
    path: Path,
    label: tuple[str, ...],
    flavor: str | None,
    kind: str | None,
    where: str | None,
    as_json: bool,
) -> None:
    """List saved objects below a folder.

    Cards are read, nothing is loaded. A card that cannot be read is listed with its error. A FILTER compares kind,
    flavor, format, tier, labels, description, created, by, methods, path, metrics.NAME, metadata.NAME and
    packages.NAME by = != < <= > >=, ~ (contains), like, in, is null, with and, or, not and parentheses.

    \b
    Examples:
      modelyard list
      modelyard list models --flavor sklearn --json
      modelyard list --where "metrics.accuracy > 0.9 and (labels = 'live' or metadata.owner ~ 'ana')"
    """
    from modelyard.objects.listing import COLUMNS, list_objects

    rows = list_objects(path, labels=label, flavor=flavor, kind=kind, where=where)
    emit_rows(rows, COLUMNS, as_json, none=f"no saved objects in {path}")
