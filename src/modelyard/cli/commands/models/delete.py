"""``modelyard models delete``."""

from __future__ import annotations

import click

from modelyard.cli.options import (
    Change,
    changes_registry,
    comment_option,
    name_argument,
    yes_option,
)
from modelyard.cli.output import confirm, report


@click.command(name="delete")
@name_argument()
@comment_option
@yes_option
@changes_registry
def command(name: str, comment: str, yes: bool, as_json: bool, change: Change) -> None:
    """Delete a model or one version (NAME@3) for good. Its number is never used again; the history stays.

    \b
    Examples:
      modelyard models delete churn@2 --yes
      modelyard models delete churn --dry-run
    """
    from modelyard.cli.registries import changing
    from modelyard.yard.summary import shown

    name, _, version = name.partition("@")
    with changing(change) as models:
        if version:
            labels = [models.get(f"{name}@{version}").version]
        else:
            labels = [shown(label) for label in models.state(name).versions]
        what = f"{name}@{version}" if version else f"{name} with all its versions ({len(labels)})"
        facts = {"name": name, "versions": labels, "deleted": not change.dry_run}
        if change.dry_run:
            report(facts, as_json, f"would delete {what}")
            return
        confirm(f"Delete {what} for good?", yes)
        models.delete(name, version or None, comment)
    report(facts, as_json, f"deleted {what}")
