"""``modelyard trust``: look inside, then vouch for it."""

from __future__ import annotations

import click

from modelyard.cli.options import (
    dry_run_option,
    json_option,
    project_option,
    ref_argument,
    rev_option,
    yes_option,
)
from modelyard.cli.output import confirm, emit, say


@click.command(name="trust")
@ref_argument()
@yes_option
@dry_run_option
@json_option
@project_option
@rev_option
def command(
    ref: str, yes: bool, dry_run: bool, as_json: bool, project: str | None, rev: str | None
) -> None:
    """Show what a model would run when loaded, and trust it: remembered for this user, by its digest.

    What cannot run code (tiers 0 and 1) needs no trust.

    \b
    Examples:
      modelyard trust models/churn --dry-run
      modelyard trust models/churn
      modelyard trust models/churn --yes
    """
    from modelyard.objects import trust
    from modelyard.yard.resolving import resolve
    from modelyard.yard.verbs import trusted_types

    source = resolve(ref, project=project, rev=rev)
    source.files.verify()
    digest, form = source.card.digest, source.card.format
    tier = form.tier if form else 0
    found = trusted_types(source)
    already = tier < 2 or source.trusted or trust.is_trusted(digest)
    facts = {"ref": ref, "digest": digest, "tier": tier, "would_import": found, "trusted": already or not dry_run}  # fmt: skip
    head = f"{ref}  {digest}  tier {tier}"
    if not as_json:
        emit(facts, as_json, lambda: "\n".join([head, *(f"  {name}" for name in found)]))
    if tier < 2:
        say("nothing in it runs code when loaded: it needs no trust")
    elif already:
        say("trusted already")
    elif not dry_run:
        confirm("Trust this digest from now on?", yes)
        trust.remember(digest, "trusted", ref)
        say(f"trusted {digest}")
    if as_json:
        emit(facts, as_json)
