"""``modelyard models get``: a registered model to a path."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.options import json_option, name_argument, project_option, registry_option
from modelyard.cli.output import report


@click.command(name="get")
@name_argument("ref")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Path to write the model to.",
)
@json_option
@registry_option
@project_option
def command(
    ref: str, output: Path, as_json: bool, registry: str | None, project: str | None
) -> None:
    """Write a registered model to a path: its files and its card, verified.

    \b
    Examples:
      modelyard models get churn@champion -o models/churn
    """
    from modelyard.objects.copying import copy_source
    from modelyard.yard.registries import existing_registry

    with existing_registry(project, registry) as models:
        version = models.get(ref)
        card = copy_source(version.source, output)
    facts = {"ref": version.ref, "path": str(output), "digest": card.digest}
    report(facts, as_json, f"wrote {version.ref} to {output}")
