"""How commands speak: data to stdout, all else to stderr, JSON on request, tables that are never cut when piped."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from modelyard.base.errors import InvalidInput, ModelyardError, describe
from modelyard.base.notes import printable

NARROWEST = 8
"""To which a column is cut at most, however narrow the terminal."""


def emit(data: Any, as_json: bool, human: Callable[[], str] | None = None) -> None:
    """Print a result on stdout: as JSON, or in the form made for people."""
    click.echo(to_text(data) if as_json or human is None else printable(human()))


def emit_result(result: Any, as_json: bool) -> None:
    """Print what a model answered: JSON, but a text bare (several of them a line each), and files as their bytes."""
    from modelyard.objects.outputs import is_file, to_bytes
    from modelyard.objects.results import EachResult, to_json

    texts = result if isinstance(result, EachResult) else [result]
    if as_json:
        emit(to_json(result), as_json=True)
    elif all(isinstance(text, str) for text in texts):
        for text in texts:
            click.echo(printable(text) if sys.stdout.isatty() else text)
    elif not isinstance(result, EachResult) and is_file(result):
        if sys.stdout.isatty():
            raise InvalidInput(
                "the result is a file", hint="write it with -o, or print it with --json"
            )
        sys.stdout.buffer.write(to_bytes(result))
        sys.stdout.buffer.flush()
    else:
        emit(to_json(result), as_json=True)


def emit_rows(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], as_json: bool, none: str
) -> None:
    """Print a listing. An empty one is no line on stdout, and ``none`` says on stderr why, or what to do."""
    if as_json or rows:
        emit(rows, as_json, lambda: table(rows, columns))
    else:
        say(none)


def report(facts: Mapping[str, Any], as_json: bool, text: str) -> None:
    """What was done: a remark on stderr, or the facts as JSON on stdout."""
    if as_json:
        emit(facts, as_json=True)
    else:
        say(text)


def say(text: str) -> None:
    """A remark for the person: stderr."""
    click.echo(printable(text), err=True)


def confirm(question: str, yes: bool) -> None:
    """Go on only with ``--yes`` or a person's yes; where nobody can answer, say so instead of waiting."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidInput(
            f"this asks {question!r}, and nobody is here to answer", hint="add --yes"
        )
    if not click.confirm(printable(question), err=True):
        say("nothing was changed")
        raise click.exceptions.Exit(1)


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
    """Rows as aligned columns. On a terminal those with nothing in them are left out and the widest ones are cut
    until a row fits; piped all is there, whole.

    >>> print(table([{"name": "churn", "latest": 3}, {"name": "iris", "latest": None}]))
    name   latest
    churn  3
    iris   -
    """
    names = list(columns or (rows[0] if rows else ()))
    terminal = sys.stdout.isatty()
    if terminal:
        names = [name for name in names if any(cell(row.get(name)) != "-" for row in rows)]
    cells = [names, *([cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    if terminal:
        widths = fitted(widths, shutil.get_terminal_size().columns)
    return "\n".join(
        "  ".join(_cut(x, w).ljust(w) for x, w in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def fitted(widths: Sequence[int], room: int) -> list[int]:
    """Widths of columns that fit into a terminal: the widest give way first.

    >>> fitted([4, 60, 30], 50)
    [4, 21, 21]
    """
    room -= 2 * (len(widths) - 1)
    widest = max(widths, default=0)
    while widest > NARROWEST and sum(min(w, widest) for w in widths) > room:
        widest -= 1
    return [min(w, widest) for w in widths]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def cell(value: Any) -> str:
    """A value in a table: one line, ``-`` for nothing, six digits of a number.

    >>> cell({"accuracy": 0.9580419580}), cell(["a", "b"]), cell(None)
    ('accuracy 0.958042', 'a, b', '-')
    """
    if value is None or value == "" or value == [] or value == {}:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        plain = all(isinstance(v, int | float | str) for v in value.values())
        return ", ".join(f"{k} {cell(v)}" for k, v in value.items()) if plain else to_text(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(cell, value))
    return " ".join(str(value).split())


def error_text(error: BaseException, *, as_json: bool) -> str:
    """An error as one line and a hint, or as a JSON object."""
    message, hint = _told(error)
    if as_json:
        facts = {"code": describe(error).code, "message": message, "hint": hint}
        return json.dumps({"error": {k: v for k, v in facts.items() if v}}, ensure_ascii=False)
    return printable(f"error: {message}" + (f"\nHint: {hint}" if hint else ""))


def _told(error: BaseException) -> tuple[str, str | None]:
    if isinstance(error, ModelyardError):
        return error.message, error.hint
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror, None
    return f"{type(error).__name__}: {error}", "MODELYARD_DEBUG=1 shows where"
