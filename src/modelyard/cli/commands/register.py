"""``modelyard register``: a model under a name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from modelyard.base.names import Part
from modelyard.cli.options import comment_option, json_option, project_option, ref_argument
from modelyard.cli.output import emit, say


@click.command(name="register")
@ref_argument()
@click.option("--name", help="Name to register under; the last segment of REF when left out.")
@click.option(
    "--version", "semver", metavar="SEMVER", help="SemVer label of the new version, as v1.2.0."
)
@click.option(
    "--bump",
    type=click.Choice(["major", "minor", "patch"]),
    help="Label it with the SemVer after the highest there is.",
)
@click.option("--dataset", metavar="NAME@V", help="Data set it was trained on.")
@click.option("--target", help="Column it was trained to tell.")
@comment_option
@json_option
@project_option
def command(
    ref: str, name: str | None, bump: Part | None, as_json: bool, project: str | None, **facts: Any
) -> None:
    """Register a saved model under a name: its files and card are copied into the yard.

    Equal content is the version it was already.

    \b
    Examples:
      modelyard register models/churn
      modelyard register models/churn --name churn --version v1.2.0 -m "more data"
      modelyard register models/churn --dataset customers@3 --target churned
    """
    from modelyard.cli.yards import new_or_existing_yard
    from modelyard.objects.importers import openable
    from modelyard.yard.project import require_yard_registry
    from modelyard.yard.resolving import project_folder

    folder = project_folder(project, None)
    require_yard_registry(folder)
    name = Path(ref).name if name is None else name
    model = folder / ref if openable(folder / ref) else ref
    with new_or_existing_yard(project) as yard:
        there = list(yard.models.registry.state(name).versions)
        version = yard.models.add(model, name, bump=bump, **facts)
        known = str(version.version) in there
        emit(
            {
                "name": version.name,
                "version": version.version,
                "semver": version.semver,
                "digest": version.digest,
                "new": not known,
            },
            as_json,
            lambda: version.ref,
        )
    if known:
        say(f"equal content: {version.ref} was there already")
