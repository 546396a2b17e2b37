"""``modelyard ci init``: a workflow for tags."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.options import dry_run_option, json_option, project_option
from modelyard.cli.output import emit, say


@click.command(name="init")
@click.argument("system", type=click.Choice(["github", "gitlab"]))
@click.option("--python", default="3.12", show_default=True, help="Python that it runs.")
@click.option("--install", metavar="SPEC", help="What pip installs, as in modelyard[sklearn].")
@click.option("--deploy", default="", metavar="COMMAND", help="What deploys, on a promotion.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Another file.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@dry_run_option
@json_option
@project_option
def command(
    system: str,
    python: str,
    install: str | None,
    deploy: str,
    output: Path | None,
    force: bool,
    dry_run: bool,
    as_json: bool,
    project: str | None,
) -> None:
    """Write a workflow that checks, tries, builds and deploys what a tag names.

    COMMAND has NAME, VERSION, STAGE and WHEEL in its environment. --dry-run prints the file.

    \b
    Examples:
      modelyard ci init github
      modelyard ci init gitlab --install "modelyard[sklearn]" --deploy "./deploy.sh"
    """
    from modelyard.base.project import find_root
    from modelyard.shipping.workflows import workflow_text, write_workflow
    from modelyard.shipping.workflows.steps import Settings
    from modelyard.yard.resolving import project_folder

    given = {"python": python, "deploy": deploy, **({"install": install} if install else {})}
    settings = Settings(**given)
    if dry_run:
        text = workflow_text(system, settings)
        emit({"text": text}, as_json, lambda: text.rstrip())
        return
    root = find_root(project_folder(project, None))
    written = write_workflow(system, root, settings, output=output, force=force)
    emit({"path": str(written)}, as_json, lambda: str(written))
    say("next: commit it, then modelyard register or promote, with --push")
