"""``modelyard register``: a model under a name."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.output import emit, json_option, project_option
from modelyard.yard.yard import Yard


@click.command(name="register")
@click.argument("ref")
@click.option("--name", help="Name to register under; the last segment of REF when left out.")
@click.option(
    "--version", "semver", metavar="SEMVER", help="SemVer label of the new version, as v1.2.0."
)
@click.option("--dataset", metavar="NAME@V", help="Data set it was trained on.")
@click.option("--target", help="Column it was trained to tell.")
@click.option("-m", "--comment", default="", help="Why.")
@json_option
@project_option
def command(
    ref: str,
    name: str | None,
    semver: str | None,
    dataset: str | None,
    target: str | None,
    comment: str,
    as_json: bool,
    project: str | None,
) -> None:
    """Register a saved model under a name: its files and card are copied into the yard.

    Equal content is the version it was already.

    \b
    Examples:
      modelyard register models/churn
      modelyard register models/churn --name churn --version v1.2.0 --dataset customers@3 --target churned
    """
    with Yard(project=project) as yard:
        base = Path(project or ".")
        version = yard.models.add(
            base / ref,
            name or Path(ref).name,
            dataset=dataset,
            target=target,
            semver=semver,
            comment=comment,
        )
        emit({"name": version.name, "version": version.version, "semver": version.semver, "digest": version.digest},
             as_json, lambda: f"{version.ref}")  # fmt: skip
