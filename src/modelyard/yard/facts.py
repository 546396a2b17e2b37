"""What a registry tells of a version without opening it: the facts of its card, as plain JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelyard.objects.card import Card
from modelyard.yard.rows import as_facts


def card_facts(card: Card) -> dict[str, Any]:
    """Flavor, format, tier, labels, description, metrics, and what mlops-lite's listings show."""
    return {
        "flavor": card.flavor,
        "format": card.format.name if card.format else None,
        "tier": card.format.tier if card.format else None,
        "labels": list(card.labels),
        "description": card.description,
        "metrics": as_facts(card.metrics),
        **estimator_facts(card),
    }


def estimator_facts(card: Card) -> dict[str, Any]:
    """What mlops-lite's listings show: the estimator's class and its role."""
    roles = {"predict_proba": "classifier", "transform": "transformer"}
    role = next((r for m, r in roles.items() if m in card.methods), None)
    labels: Sequence[str] = card.labels
    return {
        "estimator_class": card.metadata.get("estimator_class")
        or (labels[-1] if labels else card.flavor),
        "estimator_type": card.metadata.get("estimator_type") or role or "regressor",
    }
