"""``modelyard migrate mlopslite``: a registry of mlops-lite into the project's yard."""

from __future__ import annotations

import click

from modelyard.cli.commands.migrate.summary import show
from modelyard.cli.options import dry_run_option, json_option, project_option

COLUMNS = ("source", "kind", "target", "status", "hash", "error")


@click.command(name="mlopslite")
@click.argument("uri")
@dry_run_option
@json_option
@project_option
def command(uri: str, dry_run: bool, as_json: bool, project: str | None) -> None:
    """Bring an mlops-lite registry into the yard.

    Data sets, models and logged predictions. URI is the path of its SQLite file, or the address of a database. It is only read. Models are copied as bytes and
    never loaded on the way: loading one later needs your trust. A second run adds nothing twice.

    \b
    Examples:
      modelyard migrate mlopslite mlops-lite.db
      modelyard migrate mlopslite postgresql://user@host/mlops --dry-run
    """
    from modelyard.cli.yards import new_or_existing_yard
    from modelyard.compat._mlopslite.migrating import migrate

    with new_or_existing_yard(project) as yard:
        rows = [done.row() for done in migrate(uri, yard, dry_run=dry_run)]
    show(rows, COLUMNS, as_json)
