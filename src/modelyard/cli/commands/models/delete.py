"""``modelyard models delete``."""

from __future__ import annotations

import sys

import click

from modelyard.base.errors import InvalidInput
from modelyard.cli.output import dry_run_option, project_option, say, yes_option
from modelyard.yard.yard import Yard


@click.command(name="delete")
@click.argument("name")
@click.option("-m", "--comment", default="", help="Why.")
@yes_option
@dry_run_option
@project_option
def command(name: str, comment: str, yes: bool, dry_run: bool, project: str | None) -> None:
    """Delete a model or one version (NAME@3) for good. Its number is never used again; the history stays.

    \b
    Examples:
      modelyard models delete churn@2 --yes
    """
    name, _, version = name.partition("@")
    what = f"{name}@{version}" if version else f"{name} with all its versions"
    with Yard(project=project) as yard:
        yard.models.get(f"{name}@{version}" if version else name)
        if dry_run:
            say(f"would delete {what}")
            return
        if not yes:
            if not sys.stdin.isatty():
                raise InvalidInput(
                    "deleting asks a question, and nobody is here to answer", hint="add --yes"
                )
            click.confirm(f"Delete {what} for good?", abort=True, err=True)
        yard.models.delete(name, version or None, comment)
    say(f"deleted {what}")
