"""``modelyard build``: a model as a package."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.options import (
    dry_run_option,
    json_option,
    plugin_options,
    project_option,
    ref_argument,
    rev_option,
    settings_option,
)
from modelyard.cli.output import emit, say


@click.command(name="build", context_settings={"ignore_unknown_options": True})
@ref_argument()
@click.argument("builder")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[--KEY VALUE]...")
@click.option(
    "-o", "--output", "--target", type=click.Path(path_type=Path), help="File or folder to write."
)
@settings_option
@dry_run_option
@json_option
@project_option
@rev_option
def command(ref: str, builder: str, words: tuple[str, ...], output: Path | None, settings: tuple[str, ...],
            dry_run: bool, as_json: bool, project: str | None, rev: str | None) -> None:  # fmt: skip
    """Build a package of a model: wheel, mlflow or requirements. Prints the path of what it wrote.

    An option of the builder is -c KEY=VALUE, or --KEY VALUE. wheel has name, version and description; mlflow has
    version; requirements has none.

    \b
    Examples:
      modelyard build models/churn wheel -o dist --name churn-model
      modelyard build models/churn wheel -c version=1.2.0 --dry-run
      modelyard build churn@3 requirements -o requirements.txt
      modelyard build models/churn mlflow -o churn-mlflow
    """
    from modelyard.shipping.build import build, plan_build

    options = plugin_options(settings, words)
    if dry_run:
        plan = plan_build(ref, builder, output=output, project=project, rev=rev, **options)
        facts = {"builder": plan.builder, "target": str(plan.target), "steps": list(plan.steps)}
        emit(facts, as_json, lambda: "\n".join(["would:", *(f"  {step}" for step in plan.steps)]))
        return
    built = build(ref, builder, output=output, project=project, rev=rev, **options)
    facts = {
        "builder": built.builder,
        "path": str(built.path),
        "digest": built.digest,
        **built.facts,
    }
    emit(facts, as_json, lambda: str(built.path))
    if builder == "wheel" and not as_json:
        say(f"next: pip install {built.path}, then import {built.facts['package']}")
