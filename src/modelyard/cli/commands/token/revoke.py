"""``modelyard token revoke``."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option, uri_option
from modelyard.cli.output import report


@click.command(name="revoke")
@click.argument("id", type=int)
@uri_option
@json_option
@project_option
def command(id: int, uri: str | None, as_json: bool, project: str | None) -> None:
    """Revoke a token: no hub on this yard takes it from the next request on.

    \b
    Examples:
      modelyard token revoke 3
    """
    from modelyard.cli.yards import named_yard
    from modelyard.hub import accounts

    with named_yard(uri, project) as yard:
        told = accounts.revoke_token(yard.database, id)
    report(told, as_json, f"revoked token {id} of {told['user']}")
