"""Promotion by a project's rules: where the facts come from that its rules ask for.

The rules are those of the project that the yard or repository belongs to; behind a hub, those of the hub's own settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import ModelyardError, NotSupported
from modelyard.base.events import caller
from modelyard.objects.card import Card
from modelyard.objects.comparing import compare_cards
from modelyard.registry.interface import ModelState, Registry, Version
from modelyard.registry.promoting import Plan, Promoter
from modelyard.registry.rule_settings import rules_of
from modelyard.registry.rules import Difference, Need, Rules, Unknown
from modelyard.registry.sql import SqlRegistry

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard

CardOf = Callable[[Version], Card]
MetricsOf = Callable[[Version], Mapping[str, float]]


def promoter(yard: Yard) -> Promoter:
    """The stages of a yard, by the rules of its project."""
    return promoter_over(
        yard.models.registry, rules_of(yard.config), yard.models.card_of, metrics_of
    )


def promoter_over(
    registry: Registry,
    rules: Rules,
    card_of: CardOf,
    metrics_of: MetricsOf,
    actor: Callable[[], str] = lambda: caller().actor,
) -> Promoter:
    """The stages of any registry, by rules."""
    facts: Mapping[str, Callable[[ModelState, Need], Any]] = {
        "metrics": lambda state, need: metrics_of(state.versions[need.version]),
        "schema": lambda state, need: _difference(
            card_of(state.versions[need.against]), card_of(state.versions[need.version])
        ),
        "audit": lambda state, need: _audit(),
    }

    def learn(state: ModelState, need: Need) -> Any:
        try:
            return facts[need.kind](state, need)
        except ModelyardError as error:
            return Unknown(error.message, error.hint)

    return Promoter(registry, rules, learn, actor)


def metrics_of(version: Version) -> dict[str, float]:
    """The metrics that a yard keeps with a version."""
    kept: Mapping[str, Any] = version.facts.get("metrics", {})
    return {name: float(value) for name, value in kept.items()}  # "NaN" is a text there


def _difference(old: Card, new: Card) -> Difference:
    found = compare_cards(old, new)
    breaking = [f"{d['where']}: {d['change']}" for d in found["differences"] if d["breaking"]]
    return Difference(found["schema"], breaking)


def _audit() -> Unknown:
    return Unknown(
        "this version of modelyard has no audit",
        "take `audit` out of the rules, or wait for a version that has it",
    )


def plan(yard: Yard, name: str, stage: str, version: str | None = None) -> Plan:
    """What a promotion would do in a yard, and what each rule says of it."""
    if not isinstance(yard.models.registry, SqlRegistry):
        raise NotSupported(
            f"the rules of {yard.label} are the hub's own, which it asks when it is told to promote",
            hint="leave --dry-run out: a promotion that a rule refuses changes nothing",
        )
    return promoter(yard).plan(name, stage, version)
