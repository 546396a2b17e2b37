"""``modelyard init``: make a folder a project."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.output import emit, json_option
from modelyard.yard.project import init


@click.command(name="init")
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option(
    "--registry",
    type=click.Choice(["yard", "git"]),
    default="yard",
    show_default=True,
    help="Where versions and stages are kept.",
)
@json_option
def command(path: Path, registry: str, as_json: bool) -> None:
    """Make this folder a project.

    Writes modelyard.toml (unless pyproject.toml has a [tool.modelyard] section) and keeps yard.db out of Git. Running
    it again changes nothing.

    \b
    Examples:
      modelyard init
      modelyard init churn-project
    """
    made = init(path, registry=registry)
    emit(made, as_json, lambda: "\n".join([f"project at {made['root']}", *(f"  wrote {f}" for f in made["wrote"]),
         "next: modelyard demo, or my.save(model, 'models/name', sample_data=X)"]))  # fmt: skip
