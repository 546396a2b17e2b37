"""``modelyard promote``: a version to a stage."""

from __future__ import annotations

import click

from modelyard.cli.options import Change, changes_registry, comment_option, name_argument
from modelyard.cli.output import emit


@click.command(name="promote")
@name_argument()
@click.option("--stage", required=True, help="The stage, as in prod.")
@comment_option
@changes_registry
def command(name: str, stage: str, comment: str, as_json: bool, change: Change) -> None:
    """Assign a version to a stage: NAME@3, NAME@v1.2.0, NAME@champion; the newest when NAME stands alone.

    The project's promotion rules (`registry.rules`) are asked first; --dry-run shows what each says, with exit code
    6 or 4 when one says no.

    \b
    Examples:
      modelyard promote churn --stage prod
      modelyard promote churn@2 --stage prod -m "3 fixes the address column"
      modelyard promote churn@v1.2.0 --stage prod --push
      modelyard promote churn --stage prod --dry-run
    """
    from modelyard.cli.promoting import show_plan
    from modelyard.cli.registries import changing
    from modelyard.yard.naming import named_ref

    with changing(change) as models:
        wanted = models.get(named_ref(name))
        if change.dry_run:
            show_plan(models.plan(wanted.name, stage, wanted.version), as_json)
            return
        version = models.promote(wanted.name, stage, wanted.version, comment)
        facts = {"name": version.name, "version": version.version, "stage": stage}
        emit(facts, as_json, lambda: f"{version.ref} is in {stage}")
