"""A registry in which nothing stays: what a verb would do, decided on the state there is now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

from modelyard.base.events import Event
from modelyard.objects.card import Card
from modelyard.registry.fold import apply
from modelyard.registry.interface import Decision, ModelState, Registry, Version, Versioning
from modelyard.registry.promoting import Plan
from modelyard.registry.recording import events_of
from modelyard.registry.rules import Rules
from modelyard.yard.registered import Registered
from modelyard.yard.versions import RegisteredVersion


class RehearsedRegistry:
    """Reads another registry; writes are decided, told and forgotten with it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.versioning: Versioning = registry.versioning
        self._changed: dict[str, ModelState] = {}

    def state(self, name: str) -> ModelState:
        """As it would be after what was written here."""
        return self._changed.get(name) or self._registry.state(name)

    def states(self) -> Iterator[ModelState]:
        """Of all names that are there."""
        return iter([self.state(name) for name in self.names()])

    def names(self) -> Iterator[str]:
        """Those that are there."""
        return self._registry.names()

    def events(self, name: str | None = None, *, after: int = 0) -> Iterator[Event]:
        """What happened in truth."""
        return self._registry.events(name, after=after)

    def write(self, name: str, decide: Decision) -> Sequence[Event]:
        """What would happen."""
        state = self.state(name)
        events = events_of(state, decide(state))
        self._changed[name] = reduce(apply, events, state)
        return events


class Rehearsed(Registered[RegisteredVersion]):
    """A registry for ``--dry-run``: its verbs answer as if, and change nothing."""

    def __init__(self, of: Registered[Any]) -> None:
        self.registry = RehearsedRegistry(of.registry)
        self._of = of

    @property
    def label(self) -> str:
        """Of the registry that it is a rehearsal of."""
        return self._of.label

    def _version(self, state: ModelState, version: Version) -> RegisteredVersion:
        return RegisteredVersion(state, version)

    def plan(self, name: str, stage: str, version: int | str | None = None) -> Plan:
        """As that registry plans it."""
        return self._of.plan(name, stage, version)

    @property
    def rules(self) -> Rules:
        """Of the registry that it is a rehearsal of."""
        return self._of.rules

    @property
    def actor(self) -> str:
        """Who would act there."""
        return self._of.actor

    def card_of(self, version: Version) -> Card:
        """As that registry has it."""
        return self._of.card_of(version)

    def metrics_of(self, version: Version) -> Mapping[str, float]:
        """As that registry has them."""
        return self._of.metrics_of(version)
