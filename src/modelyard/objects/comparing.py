"""Two cards side by side: what changed, and whether callers would notice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal

from modelyard.objects.card import Card
from modelyard.types.compare import compare
from modelyard.types.schema import Argument, Signature

Verdict = Literal["same", "compatible", "breaking"]


def compare_cards(old: Card, new: Card) -> dict[str, Any]:
    """What is different, as one JSON-able mapping::

        {"result": "breaking", "same": false, "schema": "breaking",
         "differences": [{"where": "predict.X.age", "change": "removed", "breaking": true, "reason": "…"}],
         "changes": [{"field": "metrics.accuracy", "from": 0.9, "to": 0.95}]}

    ``schema`` is same, compatible or breaking, by the worst of ``differences``, each with its reason; ``changes`` are all
    other facts. ``result`` is the whole in a word: breaking when callers would notice, same when nothing differs.
    """
    differences = [asdict(d) for d in compare(_signatures(old), _signatures(new))]
    changes = [
        {"field": name, "from": before, "to": after}
        for name, (before, after) in _facts(old, new).items()
        if before != after
    ]
    schema = verdict(differences)
    if old.kind != new.kind:
        schema = "breaking"
    same = not differences and not changes
    return {
        "result": "compatible" if schema == "same" and not same else schema,
        "same": same,
        "schema": schema,
        "differences": differences,
        "changes": changes,
    }


def verdict(differences: list[dict[str, Any]]) -> Verdict:
    """One word for a list of differences."""
    if not differences:
        return "same"
    return "breaking" if any(d["breaking"] for d in differences) else "compatible"


def _signatures(card: Card) -> Mapping[str, Signature]:
    if card.schema is not None:
        return {"data": Signature({"value": Argument(card.schema)})}
    return card.methods


def _facts(old: Card, new: Card) -> dict[str, tuple[Any, Any]]:
    facts: dict[str, tuple[Any, Any]] = {
        "content": (old.artifact_digest, new.artifact_digest),
        "kind": (old.kind, new.kind),
        "flavor": (old.flavor, new.flavor),
        "format": (_format(old), _format(new)),
        "description": (old.description, new.description),
        "labels": (list(old.labels), list(new.labels)),
        "python": (old.requirements.python, new.requirements.python),
    }
    for name in sorted({*old.metrics, *new.metrics}):
        facts[f"metrics.{name}"] = (old.metrics.get(name), new.metrics.get(name))
    before, after = _packages(old), _packages(new)
    for name in sorted({*before, *after}):
        facts[f"packages.{name}"] = (before.get(name), after.get(name))
    return facts


def _format(card: Card) -> str | None:
    return f"{card.format.name} (tier {card.format.tier})" if card.format else None


def _packages(card: Card) -> dict[str, str]:
    pairs = (line.partition("==") for line in card.requirements.packages)
    return {name: version for name, _, version in pairs}
