"""``modelyard db gc``."""

from __future__ import annotations

import click

from modelyard.cli.options import dry_run_option, duration_ms, json_option, project_option
from modelyard.cli.output import report


@click.command(name="gc")
@click.option(
    "--grace",
    default="24h",
    show_default=True,
    metavar="TIME",
    help="Keep what was put within that time: 24h, 30m, 7d.",
)
@dry_run_option
@json_option
@project_option
def command(grace: str, dry_run: bool, as_json: bool, project: str | None) -> None:
    """Remove stored files that nothing needs any more. Others may work on meanwhile.

    A file is needed by versions, data sets, runs and logged models; what was put within the grace is kept, too.

    \b
    Examples:
      modelyard db gc --dry-run
      modelyard db gc --grace 7d
    """
    from modelyard.cli.yards import existing_yard

    grace_ms = duration_ms(grace)
    with existing_yard(project) as yard:
        found = yard.collect(grace_ms, dry_run=dry_run)
    facts = {"blobs": found.blobs, "size": found.size, "unfinished": found.unfinished}
    done = "would remove" if dry_run else "removed"
    what = f"{found.blobs} files ({found.size:,} bytes)"
    report({**facts, "dry_run": dry_run}, as_json, f"{done} {what} that nothing needs")
