"""Rows of listings: versions and events of models as people see them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.base.clock import to_rfc3339
from modelyard.base.events import Event
from modelyard.registry import queries
from modelyard.registry.interface import ModelState, Version
from modelyard.types.cells import spell_float


def version_rows(
    found: Sequence[tuple[ModelState, Version]], ids: Mapping[tuple[str, str], int]
) -> list[dict[str, Any]]:
    """A row a version, but for those that were deleted since they were found."""
    keyed = ((s, v, ids.get((v.name, v.label))) for s, v in found)
    return [_row(s, v, row_id) for s, v, row_id in keyed if row_id is not None]


def _row(state: ModelState, version: Version, row_id: int) -> dict[str, Any]:
    facts = version.facts
    held = queries.held(state)
    return {
        "id": row_id,
        "name": version.name,
        "version": version.number,
        "dataset_registry_id": facts.get("dataset_id"),
        "estimator_class": facts.get("estimator_class"),
        "estimator_type": facts.get("estimator_type"),
        "description": facts.get("description", ""),
        "created_at": to_rfc3339(version.at_ms),
        "semver": version.semver,
        "stages": [stage for stage, a in held.items() if a.version == version.label],
        "aliases": [alias for alias, to in state.aliases.items() if to == version.label],
        "dataset": facts.get("dataset"),
        "target": facts.get("target"),
        "metrics": facts.get("metrics", {}),
        "created_by": version.actor,
        "digest": f"sha256:{version.digest}",
    }


def as_facts(metrics: Mapping[str, float]) -> dict[str, Any]:
    """Metrics of a card as JSON keeps them: what is no number as text.

    >>> as_facts({"a": 0.5, "b": float("nan")})
    {'a': 0.5, 'b': 'NaN'}
    """
    return {k: v if math.isfinite(v) else spell_float(v) for k, v in metrics.items()}


def spelled(card: dict[str, Any]) -> dict[str, Any]:
    """A plain card as JSON can have it."""
    return {**card, "metrics": as_facts(card["metrics"])} if "metrics" in card else card


def event_row(event: Event) -> dict[str, Any]:
    """A line of a history."""
    facts = {**event.before, **event.after}
    return {
        "at": to_rfc3339(event.at_ms),
        "event": str(event.kind),
        "name": event.subject.partition(":")[2],
        "version": facts.get("version"),
        "stage": facts.get("stage"),
        "alias": facts.get("alias"),
        "by": event.actor,
        "comment": event.comment,
    }
