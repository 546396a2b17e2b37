"""``modelyard runs import``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from modelyard.cli.options import dry_run_option, json_option, project_option
from modelyard.cli.output import emit_rows, say

COLUMNS = ("from", "name", "experiment", "outcome", "points", "files", "run_id", "source")


@click.command(name="import")
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path)
)
@click.option(
    "--from", "tool", metavar="NAME", help="Whose files these are, if not all known ones."
)
@click.option("--experiment", metavar="NAME", help="For all of them, instead of the tool's own.")
@dry_run_option
@json_option
@project_option
def command(
    paths: tuple[Path, ...],
    tool: str | None,
    experiment: str | None,
    dry_run: bool,
    as_json: bool,
    project: str | None,
) -> None:
    """Bring runs that other tools kept in files: dvclive, tensorboard, wandb, neptune.

    What came before is not brought again: of a run that has grown since, the new points come. Nothing in the files is
    carried out.

    \b
    Examples:
      modelyard runs import ./wandb
      modelyard runs import ./dvclive ./runs --experiment churn --dry-run
      modelyard runs import exports --from neptune
    """
    from modelyard.base.errors import Conflict
    from modelyard.cli.yards import new_or_existing_yard

    with new_or_existing_yard(project) as yard:
        rows = yard.runs.import_files(paths, tool=tool, experiment=experiment, dry_run=dry_run)
    emit_rows(rows, COLUMNS, as_json, none="no runs there")
    if not as_json:
        for row in rows:
            for note in row["notes"]:
                say(f"{row['name']}: {note}")
        counts = Counter(row["outcome"] for row in rows)
        told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        say(f"{'would be: ' if dry_run else ''}{told}")
    if refused := [row["name"] for row in rows if row["outcome"] == "refused"]:
        raise Conflict(f"{len(refused)} of {len(rows)} runs were refused: {refused[0]}")
