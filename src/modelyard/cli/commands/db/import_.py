"""``modelyard db import``."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import report


@click.command(name="import")
@click.argument("source", metavar="FILE|DATABASE")
@json_option
@project_option
def command(source: str, as_json: bool, project: str | None) -> None:
    """Make the project's yard a copy of another one. There must be none yet, or an empty database
    (which MODELYARD_URI names).

    \b
    Examples:
      modelyard db import yard-from-ana.db
    """
    from modelyard.base.config import default_uri, settings
    from modelyard.base.errors import FileMissing
    from modelyard.base.project import find_root
    from modelyard.stores.rows.address import parse
    from modelyard.yard.resolving import project_folder
    from modelyard.yard.yard import Yard

    root = find_root(project_folder(project, None))
    target = default_uri(settings(root))
    path = parse(source).path
    if path is not None and not path.exists():
        raise FileMissing(f"no file {path}")
    with Yard(source) as yard:
        copied = yard.export(target)
    shown = parse(target).shown
    report({"path": shown, "copied": copied}, as_json, f"made {shown}: {copied} rows and files")
