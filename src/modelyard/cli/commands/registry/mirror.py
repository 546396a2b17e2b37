"""``modelyard registry mirror``: a yard and a Git registry kept in step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click

from modelyard.cli.options import dry_run_option, json_option, project_option, push_option
from modelyard.cli.output import emit, say

if TYPE_CHECKING:
    from modelyard.registry.mirroring import Outcome


@click.command(name="mirror")
@click.option(
    "--from",
    "source",
    type=click.Choice(["git", "yard", "both"]),
    default="both",
    show_default=True,
    help="Whose news go to the other side.",
)
@click.option("--repo", metavar="PATH|URL", help="The repository, if not the project's own.")
@click.option(
    "--prefer", type=click.Choice(["git", "yard"]), help="Who is right where both changed the same."
)
@click.option("--copy", is_flag=True, help="Copy the files of what comes from Git into the yard.")
@push_option
@dry_run_option
@json_option
@project_option
def command(
    source: Literal["git", "yard", "both"],
    repo: str | None,
    prefer: Literal["git", "yard"] | None,
    copy: bool,
    push: bool | None,
    dry_run: bool,
    as_json: bool,
    project: str | None,
) -> None:
    """Keep the project's yard and a Git registry in step, in both directions.

    Versions that have a SemVer and a commit, with their stages and aliases; what cannot be mirrored is told on stderr.
    Running it again changes nothing. A model that was changed on both sides in ways that contradict each other is left
    alone, and the exit code is 5. What is on either side went by the promotion rules there: they are not asked again.

    \b
    Examples:
      modelyard registry mirror --dry-run
      modelyard registry mirror --push
      modelyard registry mirror --from git --repo https://github.com/org/models --copy
    """
    from modelyard.cli.registries import tell_unsent
    from modelyard.cli.yards import new_or_existing_yard
    from modelyard.yard.mirror import mirror_yard
    from modelyard.yard.registries import git_registry

    git = git_registry(repo or project, push=push)
    with new_or_existing_yard(project) as yard:
        outcome = mirror_yard(yard, git, source=source, prefer=prefer, copy=copy, dry_run=dry_run)
    emit(_facts(outcome), as_json, lambda: _lines(outcome, dry_run))
    for line in outcome.apart:
        say(f"not mirrored: {line}")
    tell_unsent(git)
    outcome.refuse()


def _facts(outcome: Outcome) -> dict[str, Any]:
    from modelyard.registry.mirroring import describe

    changes = [{"to": side, "change": describe(draft)} for side, draft in outcome.changes]
    return {"changes": changes, "not_mirrored": outcome.apart, "conflicts": outcome.conflicts}


def _lines(outcome: Outcome, dry_run: bool) -> str:
    from modelyard.registry.mirroring import describe

    would = "would go " if dry_run else ""
    if not outcome.changes:
        return "the yard and Git are in step" if not outcome.conflicts else "nothing was changed"
    return "\n".join(f"{would}to {side:<4}  {describe(draft)}" for side, draft in outcome.changes)
