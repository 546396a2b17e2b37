"""How commands speak: data to stdout, all else to stderr, JSON on request, tables that are never cut when piped."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from modelyard.base.errors import ModelyardError, describe

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
project_option = click.option(
    "--project", metavar="FOLDER", help="Look there instead of in this folder's project."
)
rev_option = click.option("--rev", metavar="REV", help="Git revision of the project to look at.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be done, do nothing.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def emit(data: Any, as_json: bool, human: Callable[[], str] | None = None) -> None:
    """Print a result: as JSON, or in the form made for people."""
    click.echo(to_text(data) if as_json or human is None else human())


def say(text: str) -> None:
    """A remark for the person: stderr."""
    click.echo(text, err=True)


def to_text(data: Any) -> str:
    """JSON as it is printed: one line, Unicode as it is, NaN spelled as text."""
    return json.dumps(spelled(data), ensure_ascii=False, default=str)


def spelled(data: Any) -> Any:
    """JSON has no NaN or infinities: they become text."""
    if isinstance(data, float) and not math.isfinite(data):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(data, "NaN")
    if isinstance(data, Mapping):
        return {str(k): spelled(v) for k, v in data.items()}
    if isinstance(data, list | tuple):
        return [spelled(v) for v in data]
    return data


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> str:
    """Rows as aligned columns. On a terminal long cells are cut to its width; piped they never are.

    >>> print(table([{"name": "churn", "latest": 3}, {"name": "iris", "latest": None}]))
    name   latest
    churn  3
    iris   -
    """
    names = list(columns or (rows[0] if rows else ()))
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    widths = [max(len(x) for x in column) for column in zip(names, *cells, strict=True)]
    lines = [
        "  ".join(x.ljust(w) for x, w in zip(line, widths, strict=True)).rstrip()
        for line in [names, *cells]
    ]
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        lines = [line if len(line) <= width else line[: width - 1] + "…" for line in lines]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None or value == "" or value == [] or value == {}:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping | list | tuple):
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else to_text(value)
    return " ".join(str(value).split())


def error_text(error: BaseException, *, as_json: bool) -> str:
    """An error as one or two lines, or as a JSON object."""
    message = (
        error.message if isinstance(error, ModelyardError) else f"{type(error).__name__}: {error}"
    )
    hint = error.hint if isinstance(error, ModelyardError) else None
    if as_json:
        facts = {"code": describe(error).code, "message": message, "hint": hint}
        return json.dumps({"error": {k: v for k, v in facts.items() if v}}, ensure_ascii=False)
    if not isinstance(error, ModelyardError):
        hint = "MODELYARD_DEBUG=1 shows where"
    return f"error: {message}" + (f"\nHint: {hint}" if hint else "")
