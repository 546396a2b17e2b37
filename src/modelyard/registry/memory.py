"""A registry in memory: the twin for tests, and the contract in its shortest form.

>>> from modelyard.registry.verbs import register
>>> registry = MemoryRegistry()
>>> register(registry, "churn", digest="0" * 64).number
1
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce

from modelyard.base.errors import AlreadyExists
from modelyard.base.events import Event
from modelyard.base.names import refuse_twin
from modelyard.registry.fold import apply
from modelyard.registry.interface import Decision, ModelState, Versioning
from modelyard.registry.recording import events_of, name_taken_by


class MemoryRegistry:
    """Nothing outlives the process. ``versioning="semver"`` counts as a Git registry does."""

    def __init__(self, versioning: Versioning = "number") -> None:
        self.versioning: Versioning = versioning
        self._events: list[Event] = []
        self._states: dict[str, ModelState] = {}
        self._histories: dict[str, list[Event]] = {}
        """Name -> the events of the model that has it, or had it when it was deleted."""
        self._lock = threading.RLock()

    def state(self, name: str) -> ModelState:
        name = unicodedata.normalize("NFC", name)
        with self._lock:
            return self._states.get(name, ModelState(name))

    def states(self) -> Iterator[ModelState]:
        with self._lock:
            return iter([self._states[name] for name in sorted(self._states)])

    def names(self) -> Iterator[str]:
        return (state.name for state in self.states())

    def write(self, name: str, decide: Decision) -> Sequence[Event]:
        with self._lock:
            state = self.state(name)
            drafted = events_of(state, decide(state))
            for event in drafted:
                self._check_name(name_taken_by(event), state)
            first = len(self._events) + 1
            events = [replace(event, seq=first + place) for place, event in enumerate(drafted)]
            if events:
                self._keep(state, events)
            return events

    def _check_name(self, wanted: str | None, model: ModelState) -> None:
        if wanted is None:
            return
        for other in self.states():
            if model.exists and other.name == model.name:
                continue
            if other.name == wanted:
                raise AlreadyExists(f"there is a model named {wanted!r} already")
            refuse_twin(wanted, other.name)

    def _keep(self, state: ModelState, events: list[Event]) -> None:
        history = self._histories.pop(state.name, []) if state.exists else []
        self._states.pop(state.name, None)
        after = reduce(apply, events, state)
        if after.exists:
            self._states[after.name] = after
        self._histories[after.name] = history + events
        self._events += events

    def events(self, name: str | None = None, *, after: int = 0) -> Iterator[Event]:
        with self._lock:
            if name is None:
                found = list(self._events)
            else:
                found = list(self._histories.get(unicodedata.normalize("NFC", name), ()))
        return (event for event in found if event.seq > after)
