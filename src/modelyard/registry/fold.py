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
from functools import reduce
from typing import Any

from modelyard.base.events import Event, Kind
from modelyard.registry.interface import Assignment, ModelState, Version


def fold(events: Iterable[Event], name: str = "") -> ModelState:
    """The state that a model's events lead to, oldest first; without events a state that does not exist.

    >>> fold([], "churn").exists
    False
    """
    return reduce(apply, events, ModelState(name))


def apply(state: ModelState, event: Event) -> ModelState:
    """The state after one more event of the same model; the same object when the event changes nothing."""
    if event.kind is Kind.MODEL_DELETED:
        return ModelState(state.name)
    change = _CHANGES.get(event.kind)
    if change is None:
        return state
    changed = change(state, event)
    return replace(
        changed,
        name=changed.name or event.subject.partition(":")[2],
        exists=True,
        deprecated=changed.deprecated and event.kind not in _REVIVING,
        created_ms=changed.created_ms if state.exists else event.at_ms,
        seq=event.seq,
        updated_ms=event.at_ms,
    )


def _created(state: ModelState, event: Event) -> ModelState:
    if state.exists:
        return state
    return _described(state, event)


def _described(state: ModelState, event: Event) -> ModelState:
    return replace(
        state,
        description=event.after.get("description", state.description),
        facts=_merged(state.facts, event.after.get("facts", {})),
    )


def _merged(facts: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**facts, **changes}.items() if value is not None}


def _renamed(state: ModelState, event: Event) -> ModelState:
    name = event.after["name"]
    versions = {label: replace(v, name=name) for label, v in state.versions.items()}
    return replace(state, name=name, versions=versions)


def _deprecated(state: ModelState, event: Event) -> ModelState:
    return replace(state, deprecated=True)


def _registered(state: ModelState, event: Event) -> ModelState:
    label = str(event.after["version"])
    number = int(label) if label.isdecimal() else None
    version = Version(
        name=state.name or event.subject.partition(":")[2],
        number=number,
        semver=event.after.get("semver") or (label if number is None else None),
        digest=event.after.get("digest", ""),
        seq=event.seq,
        at_ms=event.at_ms,
        actor=event.actor,
        comment=event.comment,
        commit=event.after.get("commit", ""),
        facts=_merged({}, event.after.get("facts", {})),
        updated_ms=event.at_ms,
    )
    others = {key: v for key, v in state.versions.items() if key != label}
    counter = max(state.counter, number or 0)
    return replace(state, versions={**others, label: version}, counter=counter)


def _changed(state: ModelState, event: Event, label: str, **changes: Any) -> ModelState:
    """With other values for one version; an unknown one stays unknown."""
    if label not in state.versions:
        return state
    version = replace(state.versions[label], updated_ms=event.at_ms, **changes)
    return replace(state, versions={**state.versions, label: version})


def _version_described(state: ModelState, event: Event) -> ModelState:
    label = str(event.after["version"])
    known = state.versions.get(label)
    if known is None:
        return state
    facts = _merged(known.facts, event.after.get("facts", {}))
    semver = event.after.get("semver", known.semver)
    return _changed(state, event, label, facts=facts, semver=semver)


def _deregistered(state: ModelState, event: Event) -> ModelState:
    return _changed(state, event, str(event.before["version"]), active=False)


def _version_deleted(state: ModelState, event: Event) -> ModelState:
    label = str(event.before["version"])
    return replace(
        state,
        versions={key: v for key, v in state.versions.items() if key != label},
        assignments=tuple(a for a in state.assignments if a.version != label),
        aliases={alias: to for alias, to in state.aliases.items() if to != label},
    )


def _assigned(state: ModelState, event: Event) -> ModelState:
    stage, label = event.after["stage"], str(event.after["version"])
    newest = Assignment(stage, label, event.seq, event.at_ms, event.actor, event.comment)
    return _changed(
        replace(state, assignments=(*_without(state, stage, label), newest)), event, label
    )


def _unassigned(state: ModelState, event: Event) -> ModelState:
    stage, label = event.before["stage"], str(event.before["version"])
    return _changed(replace(state, assignments=_without(state, stage, label)), event, label)


def _without(state: ModelState, stage: str, label: str) -> tuple[Assignment, ...]:
    return tuple(a for a in state.assignments if (a.stage, a.version) != (stage, label))


def _alias_moved(state: ModelState, event: Event) -> ModelState:
    aliases = {**state.aliases, event.after["alias"]: str(event.after["version"])}
    return replace(state, aliases=aliases)


def _alias_removed(state: ModelState, event: Event) -> ModelState:
    gone = event.before["alias"]
    return replace(state, aliases={a: to for a, to in state.aliases.items() if a != gone})


_CHANGES: Mapping[Kind, Callable[[ModelState, Event], ModelState]] = {
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
