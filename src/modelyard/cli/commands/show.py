"""``modelyard show``: everything about an object, or the registry."""

from __future__ import annotations

import click

from modelyard.base.errors import InvalidInput
from modelyard.cli.options import (
    json_option,
    project_option,
    ref_argument,
    registry_option,
    rev_option,
)
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
@click.option("--deprecated", is_flag=True, help="List deprecated models, too.")
@registry_option
@project_option
@rev_option
def command(
    ref: str | None,
    as_json: bool,
    form: str,
    deprecated: bool,
    registry: str | None,
    project: str | None,
    rev: str | None,
) -> None:
    """Show everything known about an object, or the registry when REF is left out.

    The model itself is neither loaded nor imported. Metrics, parameters and plots that the project keeps beside it
    (dvc.yaml, DVCLive) are shown as they are at that very commit.

    \b
    Examples:
      modelyard show models/churn
      modelyard show churn@champion --json
      modelyard show models/churn --format md
      modelyard show
      modelyard show --project git+https://github.com/org/models
    """
    if ref is None:
        _show_registry(as_json, deprecated, registry, project, rev)
    else:
        _show_object(ref, as_json, form, registry, project, rev)


def _show_registry(
    as_json: bool, deprecated: bool, registry: str | None, project: str | None, rev: str | None
) -> None:
    from modelyard.yard.registries import opened_registry

    if rev is not None:
        raise InvalidInput("a registry is not of one revision", hint="leave --rev out")
    with opened_registry(project, registry) as models:
        summary = models.summary(deprecated=deprecated) if models is not None else {}
        hidden = models is not None and not summary and bool(models.names())
        if (yard := getattr(models, "yard", None)) is not None:
            from modelyard.yard.attached import attached_summary

            summary |= attached_summary(yard, deprecated=deprecated)
    if as_json or summary:
        emit(summary, as_json, lambda: registry_table(summary))
    elif hidden:
        say("all that is registered is deprecated: modelyard show --deprecated")
    else:
        say("nothing is registered yet: modelyard register models/name")


def _show_object(
    ref: str,
    as_json: bool,
    form: str,
    registry: str | None,
    project: str | None,
    rev: str | None,
) -> None:
    from modelyard.cli.measures import measures_page, measures_text
    from modelyard.cli.reports import FORMS
    from modelyard.objects.card_file import card_to_dict
    from modelyard.yard.measures import measures_of
    from modelyard.yard.registries import existing_registry
    from modelyard.yard.resolving import resolve

    if registry is None:
        source = resolve(ref, project=project, rev=rev)
    else:
        with existing_registry(project, registry) as models:
            source = models.source(ref)
    facts = card_to_dict(source.card)
    facts["digest"] = source.card.digest
    if "git" in source.provenance:
        facts["git"] = source.provenance["git"]
    found = measures_of(source)
    if found:
        facts["measures"] = found.to_dict()
    more = {"text": measures_text, "md": measures_page}.get(form, lambda _: "")(found)
    emit(facts, as_json, lambda: "\n".join(filter(None, (FORMS[form](source), more))))


def registry_table(summary: dict[str, dict[str, object]]) -> str:
    """As GTO shows a registry: name, latest, a column a stage, ``-`` for none; with where from, when repositories are
    attached."""
    stages: dict[str, None] = {}
    for entry in summary.values():
        stages |= dict.fromkeys(entry["stages"])  # type: ignore[call-overload]  # a dict by construction
    rows = [
        {
            "name": e.get("name", name),
            "from": e.get("from", "here"),
            "latest": e["latest"],
            **{f"#{s}": e["stages"].get(s) for s in stages},  # type: ignore[attr-defined]
        }
        for name, e in summary.items()
    ]
    several = ["from"] * any("from" in e for e in summary.values())
    return table(rows, ["name", *several, "latest", *(f"#{s}" for s in sorted(stages))])
