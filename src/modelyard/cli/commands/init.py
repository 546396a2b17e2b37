"""``modelyard init``: make a folder a project."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.options import json_option
from modelyard.cli.output import emit, say


@click.command(name="init")
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option(
    "--registry",
    type=click.Choice(["yard", "git"]),
    help="Where versions and stages are kept: in the yard, or in Git tags.  [default: yard]",
)
@json_option
def command(path: Path, registry: str | None, as_json: bool) -> None:
    """Make this folder a project.

    Writes modelyard.toml (unless pyproject.toml has a [tool.modelyard] section) and keeps yard.db out of Git. Running
    it again changes nothing.

    \b
    Examples:
      modelyard init
      modelyard init churn-project
      modelyard init --registry git
    """
    from modelyard.yard.project import init

    made = init(path, registry=registry)
    emit(made, as_json, lambda: "\n".join([f"project at {made['root']}", *(f"  wrote {f}" for f in made["wrote"])]))  # fmt: skip
    if not as_json:
        say("next: my.save(model, 'models/name', sample_data=X) in Python, or modelyard demo")
