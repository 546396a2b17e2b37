"""``modelyard pull``: files that DVC tracks, from its remote."""

from __future__ import annotations

import click

from modelyard.cli.options import dry_run_option, json_option
from modelyard.cli.output import report
from modelyard.cli.transfers import Transfers, jobs_option, moved, remote_option, told


@click.command(name="pull")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@remote_option
@jobs_option
@click.option("--force", is_flag=True, help="Overwrite what was changed here and is kept nowhere.")
@dry_run_option
@json_option
def command(
    paths: tuple[str, ...],
    remote: str | None,
    jobs: int | None,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Bring what DVC tracks and is missing here.

    PATH is a saved object, a file or folder that DVC tracks, a .dvc file, dvc.lock, or a folder with such; by default
    everything of the project. DVC itself need not be installed. Every byte is verified.

    \b
    Examples:
      modelyard pull
      modelyard pull models/churn
      modelyard pull data --remote backup --jobs 4
    """
    from modelyard.stores.apart import pull

    with Transfers("brought") as transfers:
        found = pull(
            paths, remote=remote, jobs=jobs, force=force, dry_run=dry_run, progress=transfers
        )
    report(
        moved(found, dry_run), as_json, told(found, "would bring" if dry_run else "brought", "from")
    )
