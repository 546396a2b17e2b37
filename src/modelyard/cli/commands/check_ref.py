"""``modelyard check-ref``: what a tag means, for pipelines."""

from __future__ import annotations

import click

from modelyard.base.errors import InvalidInput
from modelyard.cli.options import json_option, project_option
from modelyard.cli.output import emit


@click.command(name="check-ref")
@click.argument("ref")
@json_option
@click.option("--name", "key", flag_value="artifact", help="Print the model's name alone.")
@click.option("--version", "key", flag_value="version", help="Print the version alone.")
@click.option("--event", "key", flag_value="event", help="Print what happened alone.")
@click.option("--stage", "key", flag_value="stage", help="Print the stage alone.")
@project_option
def command(ref: str, as_json: bool, key: str | None, project: str | None) -> None:
    """Say what a tag of a Git registry means. REF is a tag's name, also as refs/tags/NAME.

    Exit code 3 when there is no such tag or it is none of a registry, 6 when it does not count: CI's checkout makes
    the tag that it runs on lightweight, and the hint says how to fetch it again.

    \b
    Examples:
      modelyard check-ref churn@v1.2.0
      modelyard check-ref "$GITHUB_REF" --json
      modelyard check-ref "$GITHUB_REF" --version
    """
    from modelyard.registry.git import GitRegistryBackend

    if as_json and key:
        raise InvalidInput("--json prints everything", hint=f"leave out --{key}")
    found = GitRegistryBackend(project or ".").check_ref(ref)
    if key:
        click.echo(found.get(key, ""))
        return
    about = " ".join(found[k] for k in ("version", "stage", "alias") if k in found)
    emit(found, as_json, lambda: f"{found['event']} of {found['artifact']} {about} by {found['author']}, {found['created_at']}".replace("  ", " "))  # fmt: skip
