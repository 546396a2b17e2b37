"""Imports run downwards only (the contracts stand in pyproject.toml)."""

from __future__ import annotations

from arch.source import python


def test_no_import_runs_upwards_or_sideways() -> None:
    """import-linter's own report is the message."""
    python(
        "-c",
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))",
    )
