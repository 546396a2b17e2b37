"""``modelyard migrate mlflow``: a tracking database, server or folder of MLflow into a yard."""

from __future__ import annotations

import json
import sys

import click

from modelyard.cli.options import dry_run_option, json_option, project_option
from modelyard.cli.output import emit_rows, say

COLUMNS = ("kind", "found", "new", "changed", "unchanged", "failed")


@click.command(name="mlflow")
@click.argument("uri")
@click.option("--to", metavar="YARD", help="A yard's file, database or hub; the project's when left out.")  # fmt: skip
@click.option("--experiment", "experiments", multiple=True, metavar="NAME", help="Only this one (may be repeated); the registry is left out then.")  # fmt: skip
@click.option("--artifacts", multiple=True, metavar="ROOT", help="A folder or bucket below which files may be opened, besides the store's own (may be repeated).")  # fmt: skip
@click.option("--verify", is_flag=True, help="Compare both sides afterwards; with --dry-run only compare.")  # fmt: skip
@dry_run_option
@json_option
@project_option
def command(
    uri: str,
    to: str | None,
    experiments: tuple[str, ...],
    artifacts: tuple[str, ...],
    verify: bool,
    dry_run: bool,
    as_json: bool,
    project: str | None,
) -> None:
    """Copy what MLflow kept: runs, models, registry.

    URI is a tracking database (sqlite:///, postgresql://, mysql://, or a SQLite file), a server (http://) or a folder mlruns; it is only read. Experiments with their runs, metrics, files and logged models, and registered models with versions, stages and aliases come over under the ids they have. It can be
    stopped at any time and run again: that brings what is missing, and what came since.

    \b
    Examples:
      modelyard migrate mlflow sqlite:///mlflow.db --verify
      modelyard migrate mlflow http://mlflow.example:5000 --to https://hub.example
      modelyard migrate mlflow postgresql://user@host/mlflow --artifacts s3://team-mlflow
    """
    from modelyard.cli.yards import named_yard
    from modelyard.compat._mlflow.migrating import migrate

    with named_yard(to, project) as yard:
        report = migrate(
            uri,
            yard,
            experiments=experiments,
            artifacts=artifacts,
            dry_run=dry_run,
            verify=verify,
            progress=_progress if sys.stderr.isatty() and not as_json else lambda _: None,
        )
    if as_json:
        click.echo(json.dumps(report.plain(), indent=2))
    else:
        emit_rows(report.rows(), COLUMNS, False, "nothing is there to migrate")
        for line in report.lines():
            say(line)
        if verify and not report.differences:
            say("both sides are the same")
    if not report.good:
        raise click.exceptions.Exit(1)


def _progress(text: str) -> None:
    say(text)
