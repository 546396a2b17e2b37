"""``modelyard list``: saved objects below a folder, of a repository at a revision, or of a bucket."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option, rev_option
from modelyard.cli.output import emit_rows


@click.command(name="list")
@click.argument("path", default=".", metavar="[PATH|REPO|BUCKET]")
@click.option("--label", multiple=True, help="Only objects with this label.")
@click.option("--flavor", help="Only models of this flavor.")
@click.option("--kind", type=click.Choice(["model", "data"]), help="Only models, or only data.")
@click.option(
    "--where", metavar="FILTER", help="Only objects that fit, as in: metrics.accuracy > 0.9"
)
@json_option
@project_option
@rev_option
def command(
    path: str,
    label: tuple[str, ...],
    flavor: str | None,
    kind: str | None,
    where: str | None,
    as_json: bool,
    project: str | None,
    rev: str | None,
) -> None:
    """List saved objects below a folder, here, in a repository or in a bucket.

    Cards are read, nothing is loaded. A card that cannot be read is listed with its error. A FILTER compares kind,
    flavor, format, tier, labels, description, created, by, methods, path, metrics.NAME, metadata.NAME and
    packages.NAME by = != < <= > >=, ~ (contains), like, in, is null, with and, or, not and parentheses.

    \b
    Examples:
      modelyard list
      modelyard list models --flavor sklearn --json
      modelyard list s3://bucket/models
      modelyard list models --rev v1.2.0
      modelyard list --where "metrics.accuracy > 0.9 and (labels = 'live' or metadata.owner ~ 'ana')"
    """
    from modelyard.objects.listing import COLUMNS
    from modelyard.yard.listed import list_saved

    wanted = {"labels": label, "flavor": flavor, "kind": kind, "where": where}
    rows = list_saved(path, project=project, rev=rev, **wanted)
    emit_rows(rows, COLUMNS, as_json, none=f"no saved objects in {path}")
