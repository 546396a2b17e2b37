"""``modelyard sync``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from modelyard.cli.options import dry_run_option, json_option
from modelyard.cli.output import emit_rows, say

if TYPE_CHECKING:
    from modelyard.yard.syncing import Spool

COLUMNS = ("destination", "state", "sent", "waiting", "refused", "lost", "dropped", "path")


@click.command(name="sync")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@click.option("--all", "everything", is_flag=True, help="What was logged to any yard.")
@click.option("--forget", is_flag=True, help="Then remove the reports of what was refused.")
@dry_run_option
@json_option
def command(
    paths: tuple[str, ...], everything: bool, forget: bool, dry_run: bool, as_json: bool
) -> None:
    """Send what was logged while the yard was away.

    What training logs is kept in a folder of this user until the yard has it, and sent by itself when that is there. This
    sends it now, and says what the yard refused. What has arrived is not sent again.

    PATH is such a folder, which may have been copied from another machine; by default all for this project's yard.

    \b
    Examples:
      modelyard sync
      modelyard sync --all --dry-run
      modelyard sync /mnt/node7/spool
    """
    from modelyard.yard.syncing import sync

    found = sync(paths, everything=everything, dry_run=dry_run, forget=forget)
    rows = [spool.plain() for spool in found]
    emit_rows(rows, COLUMNS, as_json, "nothing waits to be sent")
    if not as_json:
        _explain(found)
    if any(spool.state == "away" for spool in found):
        raise click.exceptions.Exit(7)


def _explain(found: list[Spool]) -> None:
    for why in dict.fromkeys(f"{spool.destination}: {spool.why}" for spool in found if spool.why):
        say(why)
    for spool in found:
        for problem in spool.plain()["problems"][:5]:
            say(f"refused, record {problem['number']}: {problem['message']}")
        if spool.refused or spool.lost:
            say(f"all that was refused or damaged: {spool.path}/problems.jsonl")
