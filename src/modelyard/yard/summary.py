"""The registry at a glance: each name, its latest version, and what its stages and aliases hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelyard.registry import queries
from modelyard.yard.project import require_yard_registry
from modelyard.yard.resolving import opened_yard


def registry_summary(project: str | Path | None = None) -> dict[str, dict[str, Any]]:
    """``{name: {"latest": version or None, "stages": {stage: version}, "aliases": {alias: version}}}``.

    A project without a yard has no registered models; looking does not create one.
    """
    folder = Path(project or ".")
    require_yard_registry(folder)
    with opened_yard(folder, None) as yard:
        if yard is None:
            return {}
        return {state.name: entry(state) for state in yard.models.registry.states()}


def entry(state: Any) -> dict[str, Any]:
    """One model's line of the summary."""
    latest = queries.latest(state)
    return {
        "latest": None if latest is None else shown(latest.label),
        "stages": {s: shown(a.version) for s, a in sorted(queries.held(state).items())},
        "aliases": {a: shown(v) for a, v in sorted(state.aliases.items())},
    }


def shown(label: str) -> int | str:
    """A version as JSON shows it: a number in a yard."""
    return int(label) if label.isdecimal() else label
