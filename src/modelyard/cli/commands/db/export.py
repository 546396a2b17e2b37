"""``modelyard db export``."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import report


@click.command(name="export")
@click.argument("target", metavar="FILE|DATABASE")
@json_option
@project_option
def command(target: str, as_json: bool, project: str | None) -> None:
    """Copy the yard, all its files inside, to one new file or to an empty database.

    \b
    Examples:
      modelyard db export yard-for-ana.db
      modelyard db export postgresql://hub@db.example/yard
    """
    from modelyard.cli.yards import existing_yard
    from modelyard.stores.rows.address import parse

    with existing_yard(project) as yard:
        copied = yard.export(target)
    shown = parse(target).shown
    report({"path": shown, "copied": copied}, as_json, f"wrote {shown}: {copied} rows and files")
