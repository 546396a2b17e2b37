"""``modelyard show``: everything about an object, or the registry."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option, project_option, ref_argument, rev_option
from modelyard.cli.output import emit, say, table


@click.command(name="show")
@ref_argument(required=False)
@json_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "yaml", "md"]),
    default="text",
    show_default=True,
    help="Form of a card.",
)
@project_option
@rev_option
def command(
    ref: str | None, as_json: bool, form: str, project: str | None, rev: str | None
) -> None:
    """Show everything known about an object, or the registry when REF is left out.

    The model itself is neither loaded nor imported.

    \b
    Examples:
      modelyard show models/churn
      modelyard show churn@champion --json
      modelyard show models/churn --format md
      modelyard show
    """
    from modelyard.cli.reports import FORMS
    from modelyard.objects.card_file import card_to_dict
    from modelyard.yard.resolving import project_folder, resolve
    from modelyard.yard.summary import registry_summary

    if ref is None:
        summary = registry_summary(project_folder(project, rev))
        if as_json or summary:
            emit(summary, as_json, lambda: registry_table(summary))
        else:
            say("nothing is registered yet: modelyard register models/name")
        return
    source = resolve(ref, project=project, rev=rev)
    facts = card_to_dict(source.card)
    facts["digest"] = source.card.digest
    emit(facts, as_json, lambda: FORMS[form](source))


def registry_table(summary: dict[str, dict[str, object]]) -> str:
    """As GTO shows a registry: name, latest, a column a stage, ``-`` for none."""
    stages: dict[str, None] = {}
    for entry in summary.values():
        stages |= dict.fromkeys(entry["stages"])  # type: ignore[call-overload]  # a dict by construction
    rows = [
        {"name": name, "latest": e["latest"], **{f"#{s}": e["stages"].get(s) for s in stages}}  # type: ignore[attr-defined]
        for name, e in summary.items()
    ]
    return table(rows, ["name", "latest", *(f"#{s}" for s in sorted(stages))])
