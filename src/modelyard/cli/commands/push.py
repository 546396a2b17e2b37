"""``modelyard push``: files that DVC tracks, to its remote."""

from __future__ import annotations

import click

from modelyard.cli.options import dry_run_option, json_option
from modelyard.cli.output import report
from modelyard.cli.transfers import Transfers, jobs_option, moved, remote_option, told


@click.command(name="push")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@remote_option
@jobs_option
@dry_run_option
@json_option
def command(
    paths: tuple[str, ...], remote: str | None, jobs: int | None, dry_run: bool, as_json: bool
) -> None:
    """Send what the project's DVC remote lacks.

    PATH is a saved object, a file or folder that DVC tracks, a .dvc file, dvc.lock, or a folder with such; by default
    everything of the project. DVC itself need not be installed. Each file is verified before it goes.

    \b
    Examples:
      modelyard push
      modelyard push models/churn --remote backup
      modelyard push --dry-run
    """
    from modelyard.stores.apart import push

    with Transfers("sent") as transfers:
        found = push(paths, remote=remote, jobs=jobs, dry_run=dry_run, progress=transfers)
    report(moved(found, dry_run), as_json, told(found, "would send" if dry_run else "sent", "to"))
