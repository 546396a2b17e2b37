"""``modelyard alias``: names that move."""

from __future__ import annotations

import click

from modelyard.base.errors import InvalidInput
from modelyard.cli.options import Change, changes_registry, name_argument
from modelyard.cli.output import emit, say, table


@click.command(name="alias")
@name_argument()
@click.argument("alias", required=False)
@click.option("--remove", is_flag=True, help="Remove the alias.")
@changes_registry
def command(name: str, alias: str | None, remove: bool, as_json: bool, change: Change) -> None:
    """Set, remove or list aliases. NAME@VERSION ALIAS points it at that version, NAME ALIAS at the newest.

    Prints the aliases that NAME has afterwards.

    \b
    Examples:
      modelyard alias churn@3 champion
      modelyard alias churn champion --remove
      modelyard alias churn
    """
    from modelyard.cli.registries import changing
    from modelyard.yard.naming import named_ref

    if remove and alias is None:
        raise InvalidInput("which alias is to be removed?", hint="as in alias churn champion --remove")  # fmt: skip
    with changing(change) as models:
        wanted = named_ref(name)
        if alias is not None and remove:
            models.remove_alias(wanted.name, alias)
        elif alias is not None:
            models.set_alias(wanted.name, alias, models.get(wanted).version)
        aliases = models.get_aliases(wanted.name)
    if change.dry_run:
        say("nothing was changed; these would be its aliases")
    rows = [{"alias": a, "version": v} for a, v in aliases.items()]
    if as_json or rows:
        emit(aliases, as_json, lambda: table(rows, ["alias", "version"]))
    else:
        say(f"{wanted.name} has no aliases")
