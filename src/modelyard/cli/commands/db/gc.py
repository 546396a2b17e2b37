"""``modelyard db gc``."""

from __future__ import annotations

import click

from modelyard.cli.options import dry_run_option, json_option, project_option
from modelyard.cli.output import report


@click.command(name="gc")
@click.option(
    "--grace",
    default="24h",
    show_default=True,
    metavar="TIME",
    help="Keep what was put within that time: 24h, 30m, 7d.",
)
@click.option(
    "--purge-deleted",
    metavar="TIME",
    help="Before that, purge what was deleted longer ago: 30d.  [default: the setting retention.deleted]",
)
@dry_run_option
@json_option
@project_option
def command(
    grace: str, purge_deleted: str | None, dry_run: bool, as_json: bool, project: str | None
) -> None:
    """Remove stored files that nothing needs any more. Others may work on meanwhile.

    A file is needed by versions, data sets, runs and logged models, also by deleted ones that can be restored; what was put
    within the grace is kept, too.

    \b
    Examples:
      modelyard db gc --dry-run
      modelyard db gc --grace 7d
      modelyard db gc --purge-deleted 30d
    """
    from modelyard.base.clock import duration_ms, now_ms
    from modelyard.base.errors import InvalidInput
    from modelyard.cli.yards import existing_yard

    grace_ms = duration_ms(grace)
    deleted_ms = None if purge_deleted is None else duration_ms(purge_deleted)
    if dry_run and deleted_ms is not None:
        raise InvalidInput("--purge-deleted cannot be tried with --dry-run", hint="leave one out")
    purged = 0
    with existing_yard(project) as yard:
        deleted_ms = yard.retention_ms if deleted_ms is None else deleted_ms
        if deleted_ms is not None and not dry_run:
            purged = yard.tracker.purge_deleted(now_ms() - deleted_ms)
        found = yard.collect(grace_ms, dry_run=dry_run)
    facts = {"blobs": found.blobs, "size": found.size, "unfinished": found.unfinished, "purged": purged}  # fmt: skip
    done = "would remove" if dry_run else "removed"
    what = f"{found.blobs} files ({found.size:,} bytes)"
    first = f"purged {purged} that were deleted; " if purged else ""
    report({**facts, "dry_run": dry_run}, as_json, f"{first}{done} {what} that nothing needs")
