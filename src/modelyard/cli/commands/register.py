"""``modelyard register``: a model under a name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from modelyard.base.errors import InvalidInput
from modelyard.cli.options import (
    comment_option,
    dry_run_option,
    json_option,
    project_option,
    push_option,
    ref_argument,
    registry_option,
)
from modelyard.cli.output import emit, say


@click.command(name="register")
@ref_argument()
@click.option("--name", help="Name to register under; the last segment of REF when left out.")
@click.option("--version", "semver", metavar="SEMVER", help="SemVer of the new version, as v1.2.0.")
@click.option(
    "--bump",
    type=click.Choice(["major", "minor", "patch"]),
    help="Label it with the SemVer after the highest there is.",
)
@click.option("--dataset", metavar="NAME@V", help="Data set it was trained on. For a yard.")
@click.option("--target", help="Column it was trained to tell. For a yard.")
@click.option("--rev", metavar="REV", help="Git revision to take it from.")
@comment_option
@push_option
@dry_run_option
@json_option
@registry_option
@project_option
def command(ref: str, registry: str | None, as_json: bool, **options: Any) -> None:
    """Register a saved model under a name.

    In a yard its files and card are copied there, and equal content is the version it was already. In a Git registry a tag
    names the commit (HEAD, or --rev) that has it; REF is a path, or the name that the commit gives to one.

    \b
    Examples:
      modelyard register models/churn
      modelyard register models/churn --name churn --version v1.2.0 -m "more data"
      modelyard register models/churn --dataset customers@3 --target churned
      modelyard register churn --registry git --bump minor --push
    """
    from modelyard.yard.registries import registry_of

    in_git = registry_of(options["project"], registry) == "git"
    facts = (_in_git if in_git else _in_yard)(ref, registry=registry, **options)
    label = f"{facts['name']}@{facts['version']}"
    prefix = "would be " if options["dry_run"] else ""
    emit(facts, as_json, lambda: prefix + label)
    if not facts["new"]:
        why = f"commit {facts['commit'][:7]}" if in_git else "equal content"
        say(f"{why}: {label} was there already")


def _in_git(
    ref: str,
    *,
    registry: str | None,
    project: str | None,
    push: bool | None,
    dataset: str | None,
    target: str | None,
    name: str | None,
    **options: Any,
) -> dict[str, Any]:
    from modelyard.cli.registries import tell_unsent
    from modelyard.registry import queries
    from modelyard.yard.registries import git_registry

    if dataset or target:
        raise InvalidInput("a Git registry keeps no data sets", hint="--registry yard")
    models = git_registry(project, push=push)
    before = {
        (state.name, v.label) for state in models.registry.states() for v in queries.active(state)
    }
    version = models.register(ref, name, **options)
    if not options["dry_run"]:
        tell_unsent(models)
    return {
        "name": version.name,
        "version": version.version,
        "semver": version.semver,
        "digest": version.digest or None,
        "new": (version.name, version.version) not in before,
        "commit": version.commit,
    }


def _in_yard(
    ref: str,
    *,
    registry: str | None,
    project: str | None,
    push: bool | None,
    name: str | None,
    rev: str | None,
    dry_run: bool,
    semver: str | None,
    bump: Any,
    **facts: Any,
) -> dict[str, Any]:
    from modelyard.yard.registries import opened_registry
    from modelyard.yard.registry_verbs import rehearse_in_yard, to_register

    with opened_registry(project, registry, push=push, make=not dry_run) as models:
        model = to_register(ref, project, rev, None if models is None else models.yard)  # type: ignore[attr-defined]
        own = Path(ref).name if isinstance(model, str | Path) else model.name
        named = own if name is None else name
        there = [] if models is None else list(models.registry.state(named).versions)
        if dry_run:
            found = rehearse_in_yard(models, model, named, semver=semver, bump=bump)
            digest = f"sha256:{found.digest}"
        else:
            version = models.add(model, named, semver=semver, bump=bump, **facts)  # type: ignore[union-attr]
            found, digest = version.record, version.digest
    return {
        "name": found.name,
        "version": found.number,
        "semver": found.semver,
        "digest": digest,
        "new": found.label not in there,
    }
