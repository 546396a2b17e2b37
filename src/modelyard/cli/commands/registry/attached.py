"""``modelyard registry attached``: the repositories beside the yard."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import emit_rows


@click.command(name="attached")
@json_option
@project_option
def command(as_json: bool, project: str | None) -> None:
    """List the repositories whose models stand in one table with the yard's.

    \b
    Examples:
      modelyard registry attached
    """
    from modelyard.cli.yards import yard_if_any
    from modelyard.yard.attached import attached

    with yard_if_any(project) as yard:
        rows = [] if yard is None else [one.to_dict() for one in attached(yard)]
    emit_rows(rows, ("name", "location", "at", "by"), as_json, none="nothing is attached")
