"""A registry at a glance: each name, its latest version, and what its stages and aliases hold."""

from __future__ import annotations

from typing import Any

from modelyard.registry import queries
from modelyard.registry.interface import ModelState


def entry(state: ModelState) -> dict[str, Any]:
    """One model's line of the summary."""
    latest = queries.latest(state)
    return {
        "latest": None if latest is None else shown(latest.label),
        "stages": {s: shown(a.version) for s, a in sorted(queries.held(state).items())},
        "aliases": {a: shown(v) for a, v in sorted(state.aliases.items())},
    }


def shown(label: str) -> int | str:
    """A version as listings and JSON show it: a number in a yard."""
    return int(label) if label.isdecimal() else label
