"""``modelyard deprecate``: a model that is not to be used any more."""

from __future__ import annotations

import click

from modelyard.cli.options import Change, changes_registry, comment_option, name_argument
from modelyard.cli.output import emit


@click.command(name="deprecate")
@name_argument()
@comment_option
@changes_registry
def command(name: str, comment: str, as_json: bool, change: Change) -> None:
    """Mark a model as not to be used any more: `show` leaves it out. Registering or promoting it takes that back.

    \b
    Examples:
      modelyard deprecate churn -m "use retention instead"
    """
    from modelyard.cli.registries import changing

    with changing(change) as models:
        models.deprecate(name, comment)
        verb = "would be" if change.dry_run else "is"
        emit({"name": name, "deprecated": True}, as_json, lambda: f"{name} {verb} deprecated")
