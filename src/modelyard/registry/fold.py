"""From events to states: what a model's events, in order, make of its versions, stages and aliases.

The rules serve GTO and MLflow alike:

* A stage is a stack of assignments. The newest one of an active version holds it; when that one is taken away, the
  one before holds it again. A version may be in several stages.
* A deregistered version keeps its assignments and aliases, without effect until it is registered again. A deleted
  version is gone with them; its number is not given out again.
* Deprecation of a model is undone by any newer event that is more than words about it.
* A deleted model leaves nothing behind: who takes its name begins at version 1.

An event says in ``after`` what there is now, in ``before`` what there was:

===========================  ==================================  ============================================
kind                         before                              after
===========================  ==================================  ============================================
``model.created``                                                ``description``, ``facts``
``model.described``          ``description``, ``facts``          the same; a fact that is null is removed
``model.renamed``            ``name``                            ``name``
``version.registered``                                           ``version`` and the rest of `Version`
``version.described``        ``version``, ``semver``, ``facts``  the same; a fact that is null is removed
``version.deregistered``     ``version``
``version.deleted``          ``version``
``stage.assigned``                                               ``stage``, ``version``
``stage.unassigned``         ``stage``, ``version``              ``stage``
``alias.moved``              ``alias``, ``version`` or null      ``alias``, ``version``
``alias.removed``            ``alias``, ``version``              ``alias``, ``version`` null
===========================  ==================================  ============================================

Where an event changes who holds a stage, ``holders`` in both maps each such stage to its version or null.
Events made from Git tags lack that; nothing here reads it.

Tags have whole seconds. Who makes events of them orders those of one second as GTO decides its ties: deprecation,
registration, deregistration, assignment, unassignment; and of assignments the one of the version registered last
first, so that the version registered earlier holds. Checked against GTO 1.10.1 on 220 random histories.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from modelyard.base.events import Event, Kind
from modelyard.registry.interface import Assignment, ModelState, Version


def fold(events: Iterable[Event], name: str = "") -> ModelState:
    """The state that a model's events lead to, oldest first; without events a state that does not exist.

    >>> fold([], "churn").exists
    False
    """
    becoming = _Becoming(ModelState(name))
    for event in events:
        becoming.happens(event)
    return becoming.state()


def apply(state: ModelState, event: Event) -> ModelState:
    """The state after one more event of the same model; the same object when the event changes nothing."""
    if event.kind not in _CHANGES and event.kind is not Kind.MODEL_DELETED:
        return state
    becoming = _Becoming(state)
    becoming.happens(event)
    return becoming.state()


class _Becoming:
    """A state while events happen to it: changed in place, since a registry may have thousands of them."""

    __slots__ = (
        *("aliases", "assignments", "counter", "created_ms", "deprecated", "description", "exists"),
        *("facts", "name", "named_ms", "seq", "updated_ms", "versions"),
    )

    def __init__(self, state: ModelState) -> None:
        self._begin(state)

    def _begin(self, state: ModelState) -> None:
        self.name = state.name
        self.exists = state.exists
        self.deprecated = state.deprecated
        self.description = state.description
        self.created_ms = state.created_ms
        self.counter = state.counter
        self.versions = dict(state.versions)
        self.assignments = {(a.stage, a.version): a for a in state.assignments}
        self.aliases = dict(state.aliases)
        self.facts = state.facts
        self.seq = state.seq
        self.updated_ms = state.updated_ms
        self.named_ms: dict[str, int] = {}
        """Version -> when an event last named it, where that is later than it says itself."""

    def happens(self, event: Event) -> None:
        if event.kind is Kind.MODEL_DELETED:
            self._begin(ModelState(self.name))
            return
        change = _CHANGES.get(event.kind)
        if change is None:
            return
        if not self.name:
            self.name = event.subject.partition(":")[2]
        change(self, event)
        if not self.exists:
            self.exists, self.created_ms = True, event.at_ms
        if event.kind in _REVIVING:
            self.deprecated = False
        self.seq = event.seq
        self.updated_ms = event.at_ms

    def state(self) -> ModelState:
        versions = self.versions
        for label, at_ms in self.named_ms.items():
            if label in versions:
                versions[label] = replace(versions[label], updated_ms=at_ms)
        self.named_ms = {}
        return ModelState(
            name=self.name,
            exists=self.exists,
            deprecated=self.deprecated,
            description=self.description,
            created_ms=self.created_ms,
            counter=self.counter,
            versions=versions,
            assignments=tuple(self.assignments.values()),
            aliases=self.aliases,
            facts=self.facts,
            seq=self.seq,
            updated_ms=self.updated_ms,
        )

    def change(self, event: Event, label: str, **changes: Any) -> None:
        """Other values for one version; an unknown one stays unknown."""
        if label not in self.versions:
            return
        self.named_ms[label] = event.at_ms
        if changes:
            self.versions[label] = replace(self.versions[label], **changes)


def _created(to: _Becoming, event: Event) -> None:
    if not to.exists:
        _described(to, event)


def _described(to: _Becoming, event: Event) -> None:
    to.description = event.after.get("description", to.description)
    to.facts = _merged(to.facts, event.after.get("facts", {}))


def _merged(facts: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**facts, **changes}.items() if value is not None}


def _renamed(to: _Becoming, event: Event) -> None:
    to.name = event.after["name"]
    to.versions = {label: replace(v, name=to.name) for label, v in to.versions.items()}


def _deprecated(to: _Becoming, event: Event) -> None:
    to.deprecated = True


def _registered(to: _Becoming, event: Event) -> None:
    after = event.after
    label = str(after["version"])
    number = int(label) if label.isdecimal() else None
    facts = after.get("facts")
    to.versions.pop(label, None)  # it is the last in order of registration again
    to.named_ms.pop(label, None)
    to.versions[label] = Version(
        name=to.name,
        number=number,
        semver=after.get("semver") or (label if number is None else None),
        digest=after.get("digest", ""),
        seq=event.seq,
        at_ms=event.at_ms,
        actor=event.actor,
        comment=event.comment,
        commit=after.get("commit", ""),
        facts=_merged({}, facts) if facts else {},
        updated_ms=event.at_ms,
    )
    to.counter = max(to.counter, number or 0)


def _version_described(to: _Becoming, event: Event) -> None:
    label = str(event.after["version"])
    known = to.versions.get(label)
    if known is not None:
        facts = _merged(known.facts, event.after.get("facts", {}))
        to.change(event, label, facts=facts, semver=event.after.get("semver", known.semver))


def _deregistered(to: _Becoming, event: Event) -> None:
    to.change(event, str(event.before["version"]), active=False)


def _version_deleted(to: _Becoming, event: Event) -> None:
    label = str(event.before["version"])
    to.versions.pop(label, None)
    to.assignments = {key: a for key, a in to.assignments.items() if a.version != label}
    to.aliases = {alias: at for alias, at in to.aliases.items() if at != label}


def _assigned(to: _Becoming, event: Event) -> None:
    stage, label = event.after["stage"], str(event.after["version"])
    newest = Assignment(stage, label, event.seq, event.at_ms, event.actor, event.comment)
    to.assignments.pop((stage, label), None)
    to.assignments[stage, label] = newest
    to.change(event, label)


def _unassigned(to: _Becoming, event: Event) -> None:
    stage, label = event.before["stage"], str(event.before["version"])
    to.assignments.pop((stage, label), None)
    to.change(event, label)


def _alias_moved(to: _Becoming, event: Event) -> None:
    to.aliases[event.after["alias"]] = str(event.after["version"])


def _alias_removed(to: _Becoming, event: Event) -> None:
    to.aliases.pop(event.before["alias"], None)


_CHANGES: Mapping[Kind, Callable[[_Becoming, Event], None]] = {
    Kind.MODEL_CREATED: _created,
    Kind.MODEL_DESCRIBED: _described,
    Kind.MODEL_RENAMED: _renamed,
    Kind.MODEL_DEPRECATED: _deprecated,
    Kind.VERSION_REGISTERED: _registered,
    Kind.VERSION_DESCRIBED: _version_described,
    Kind.VERSION_DEREGISTERED: _deregistered,
    Kind.VERSION_DELETED: _version_deleted,
    Kind.STAGE_ASSIGNED: _assigned,
    Kind.STAGE_UNASSIGNED: _unassigned,
    Kind.ALIAS_MOVED: _alias_moved,
    Kind.ALIAS_REMOVED: _alias_removed,
}
"""What each kind does to a model that is there. One that is not here (a download) changes no state."""

_REVIVING = frozenset(_CHANGES) - {
    Kind.MODEL_DEPRECATED,
    Kind.MODEL_DESCRIBED,
    Kind.MODEL_RENAMED,
    Kind.VERSION_DESCRIBED,
}
"""A note "use the other one instead" or a better name leaves a deprecated model deprecated."""
