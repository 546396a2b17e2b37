"""What a migration did, as a table or JSON; exit 1 when something of it failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from modelyard.cli.output import emit_rows, say


def show(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """Print the rows, remarks on stderr, and end with the exit code."""
    emit_rows(rows, columns, as_json, "nothing is there to migrate")
    failed = [row for row in rows if row["status"] == "failed"]
    if not as_json:
        for row in rows:
            for note in row["notes"]:
                say(f"{row['source']}: {note}")
        say(
            f"{len(rows) - len(failed)} of {len(rows)} done"
            + f", {len(failed)} failed" * bool(failed)
        )
    if failed:
        raise click.exceptions.Exit(1)
