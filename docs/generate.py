"""Write the reference pages from the code: ``python docs/generate.py``. A test fails when they are not up to date."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import click

import modelyard
from modelyard.base.config import SETTINGS, USER_SETTINGS
from modelyard.base.errors import TABLE
from modelyard.cli.program import program

HERE = Path(__file__).parent
WIDTH: Any = {"max_content_width": 100, "terminal_width": 100}
NOTE = "<!-- Written by docs/generate.py: change the code, then run it. -->\n"


def commands_page() -> str:
    """Every command's help, in the order of ``modelyard --help``."""
    top = program()
    context = top.make_context("modelyard", [], resilient_parsing=True, **WIDTH)
    parts = [
        NOTE,
        "# Commands\n",
        "Data goes to stdout, all else to stderr. `my` is short for `modelyard`.\n",
    ]
    parts.append(f"```text\n{top.get_help(context)}\n```\n")
    for name in top.list_commands(context):
        command = top.get_command(context, name)
        assert command is not None
        parts.append(section(command, context, name, 2))
    return "\n".join(parts)


def section(command: click.Command, parent: click.Context, name: str, level: int) -> str:
    """One command, and those below it."""
    context = command.make_context(name, [], parent=parent, resilient_parsing=True, **WIDTH)
    text = f"{'#' * level} {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            text += "\n" + section(found, context, inner, level + 1)
    return text


def errors_page() -> str:
    """The error table."""
    rows = [
        f"| `{row.code}` | {cls.__name__} | {row.exit_code} | {row.http_status} | {row.mlflow_code} |"
        for cls, row in TABLE.items()
    ]
    head = "| Code | Class | Exit code | HTTP | MLflow |\n|---|---|---|---|---|"
    text = "Each error says what and where, and `Hint:` what to do. All are `modelyard.ModelyardError`; most are a built-in error too.\n"
    return "\n".join([NOTE, "# Errors\n", text, head, *rows, ""])


def settings_page() -> str:
    """Settings of a project and of a user."""
    text = (
        "In `[tool.modelyard]` of pyproject.toml, else in modelyard.toml; `MODELYARD_<KEY>` in the environment wins. "
        "`modelyard config list` shows which one won. What concerns trust is read from the user's own configuration "
        "and environment only: `MODELYARD_CONFIG_DIR` says where that is.\n"
    )
    project = [f"- `{key}`" for key in SETTINGS]
    user = [f"- `{key}`" for key in USER_SETTINGS]
    return "\n".join(
        [NOTE, "# Settings\n", text, "Of a project:\n", *project, "\nOf a user:\n", *user, ""]
    )


def python_page() -> str:
    """What ``import modelyard as my`` offers."""
    text = "Everything is loaded on first use. `modelyard.api` has the same names.\n"
    parts = [NOTE, "# Python\n", text]
    for name in modelyard.__all__:
        value = getattr(modelyard, name)
        if name.startswith("__"):
            continue
        call = f"{name}{inspect.signature(value)}" if inspect.isfunction(value) else name
        parts.append(f"## my.{name}\n\n```text\n{call}\n```\n\n{inspect.getdoc(value)}\n")
    return "\n".join(parts)


PAGES = {
    "python.md": python_page,
    "cli.md": commands_page,
    "errors.md": errors_page,
    "settings.md": settings_page,
}
"""File -> what writes it."""


def main() -> None:
    """Write all pages."""
    for name, make in PAGES.items():
        (HERE / name).write_text(make(), "utf-8")


if __name__ == "__main__":
    main()
