"""``modelyard trust``: look inside, then vouch for it."""

from __future__ import annotations

import sys

import click

from modelyard.base.errors import InvalidInput
from modelyard.cli.output import dry_run_option, emit, json_option, project_option, say, yes_option
from modelyard.objects import trust
from modelyard.yard.resolving import resolve
from modelyard.yard.verbs import trusted_types


@click.command(name="trust")
@click.argument("ref")
@yes_option
@dry_run_option
@json_option
@project_option
def command(ref: str, yes: bool, dry_run: bool, as_json: bool, project: str | None) -> None:
    """Show what a model would run when loaded, and trust it: remembered for this user, by its digest.

    \b
    Examples:
      modelyard trust models/churn
      modelyard trust models/churn --yes
    """
    source = resolve(ref, project=project)
    card = source.card
    source.files.verify()
    found = trusted_types(ref, project)
    facts = {
        "ref": ref,
        "digest": card.digest,
        "tier": card.format.tier if card.format else None,
        "would_import": found,
    }
    emit(
        facts,
        as_json,
        lambda: "\n".join(
            [f"{ref}  {card.digest}  tier {facts['tier']}", *(f"  {t}" for t in found)]
        ),
    )
    if dry_run:
        return
    if not yes:
        if not sys.stdin.isatty():
            raise InvalidInput(
                "trusting asks a question, and nobody is here to answer", hint="add --yes"
            )
        click.confirm("Trust this digest from now on?", abort=True, err=True)
    trust.remember(card.digest, "trusted", ref)
    say(f"trusted {card.digest}")
