"""``modelyard token create``."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option, uri_option
from modelyard.cli.output import emit, say

DAY_MS = 86_400_000


@click.command(name="create")
@click.argument("user")
@click.option("--name", default="", help="What it is for.")
@click.option("--role", metavar="ROLE", help="Less than the user's own role.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="PATTERN",
    help="Only models and data sets of such names, as churn*; repeatable.",
)
@click.option(
    "--days", type=click.IntRange(1, 36_500), help="How long it is good.  [default: for ever]"
)
@uri_option
@json_option
@project_option
def command(
    user: str,
    name: str,
    role: str | None,
    scopes: tuple[str, ...],
    days: int | None,
    uri: str | None,
    as_json: bool,
    project: str | None,
) -> None:
    """Create a token of a user and print it, once: the hub keeps only its sha256.

    \b
    Examples:
      modelyard token create ana
      modelyard token create ci --name github --role editor --scope 'churn*' --days 90
    """
    from modelyard.base.clock import now_ms
    from modelyard.cli.yards import named_yard
    from modelyard.hub import accounts

    until = now_ms() + days * DAY_MS if days else None
    with named_yard(uri, project) as yard:
        told = accounts.create_token(
            yard.database, user, name=name, role=role, scopes=scopes, expires_ms=until
        )
    if not as_json:
        say(f"token {told['id']} of {user} ({told['role']}); it is not shown again")
    emit(told, as_json, lambda: told["secret"])
