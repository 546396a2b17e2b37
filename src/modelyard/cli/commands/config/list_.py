"""``modelyard config list``: every setting and where it comes from."""

from __future__ import annotations

from typing import Any

import click

from modelyard.base.config import (
    DEFAULTS,
    SETTINGS,
    USER_SETTINGS,
    Setting,
    settings,
    user_settings,
)
from modelyard.base.project import find_root
from modelyard.cli.options import json_option
from modelyard.cli.output import emit, table


@click.command(name="list")
@json_option
def command(as_json: bool) -> None:
    """Show every setting, its value and where it comes from: environment, project file, or default.

    A place that says otherwise and lost is named too.

    \b
    Examples:
      modelyard config list
      modelyard config list --json
    """
    found = [*settings(find_root()).explain(), *user_settings().explain()]
    tables = {s.key.partition(".")[0] for s in found}
    rows = [
        {"setting": s.key, "value": _shown(s), "from": s.source, "over": list(s.over)}
        for s in found
    ]
    rows += [
        {"setting": key, "value": DEFAULTS.get(key), "from": "default", "over": []}
        for key in (*SETTINGS, *USER_SETTINGS)
        if key not in tables
    ]
    emit(rows, as_json, lambda: table(rows, ["setting", "value", "from", "over"]))


def _shown(setting: Setting) -> Any:
    """The value; of a token only its start, which `modelyard token list` shows too, and no key that was written down."""
    if setting.key.partition(".")[0] == "tokens" and isinstance(setting.value, str):
        return f"{setting.value[:6]}…"
    words = setting.key.split(".")
    return _references(words[1:], setting.value) if words[:2] == ["serve", "auth"] else setting.value  # fmt: skip


def _references(place: list[str], value: Any) -> Any:
    """Below ``auth`` a secret is named, ``env:NAME``. What is no such name, though it should be, is not shown."""
    if isinstance(value, dict):
        return {key: _references([*place, str(key)], inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_references(place, inner) for inner in value]
    secret = (place[1:2] == ["keys"] and place[-1] != "models") or place[-1:] == ["secret"]
    named = isinstance(value, str) and value.startswith(("env:", "file:"))
    return "…" if secret and not named else value
