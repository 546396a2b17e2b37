"""``modelyard alias``: names that move."""

from __future__ import annotations

import click

from modelyard.cli.output import emit, json_option, project_option, table
from modelyard.yard.models import named_ref
from modelyard.yard.yard import Yard


@click.command(name="alias")
@click.argument("name")
@click.argument("alias", required=False)
@click.option("--remove", is_flag=True, help="Remove the alias.")
@json_option
@project_option
def command(name: str, alias: str | None, remove: bool, as_json: bool, project: str | None) -> None:
    """Set, remove or list aliases. NAME@VERSION ALIAS points it at that version, NAME ALIAS at the newest.

    \b
    Examples:
      modelyard alias churn@3 champion
      modelyard alias churn champion --remove
      modelyard alias churn
    """
    with Yard(project=project) as yard:
        wanted = named_ref(name)
        if alias is not None and remove:
            yard.models.remove_alias(wanted.name, alias)
        elif alias is not None:
            yard.models.set_alias(wanted.name, alias, yard.models.get(wanted).version)
        aliases = yard.models.get_aliases(wanted.name)
    rows = [{"alias": a, "version": v} for a, v in aliases.items()]
    emit(aliases, as_json, lambda: table(rows, ["alias", "version"]))
