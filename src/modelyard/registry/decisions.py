"""What each verb decides: from the state of a name to the events that should happen. Pure, and written once for all.

A decision returns drafts (none when nothing would change, so that every verb may be repeated) or raises. Backends run
it where nobody else's event can come between; `verbs` calls it on a registry.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from modelyard.base.digests import canonical_json
from modelyard.base.errors import AlreadyExists, InvalidInput, NotFound, StageEmpty, did_you_mean
from modelyard.base.events import Draft, Kind
from modelyard.base.names import (
    check_alias,
    check_name,
    check_stage,
)
from modelyard.base.refs import Selector, Stage
from modelyard.registry import queries
from modelyard.registry.interface import Assignment, ModelState, Version

Which = Selector | str | int | None
"""How callers name a version: a selector, ``3``, ``"v1.2.0"``, ``"latest"``, an alias; None is the newest."""


def subject(name: str) -> str:
    """What a model's events are about."""
    return f"model:{name}"


def create(
    state: ModelState,
    *,
    description: str = "",
    facts: Mapping[str, Any] | None = None,
    comment: str = "",
) -> list[Draft]:
    """A model without versions. `AlreadyExists` when it is there."""
    if state.exists:
        raise AlreadyExists(f"there is a model named {state.name!r} already")
    check_name(state.name)
    after = {"description": description, "facts": plain(facts)}
    return [Draft(Kind.MODEL_CREATED, subject(state.name), after=after, comment=comment)]


def plain(facts: Mapping[str, Any] | None) -> dict[str, Any]:
    """Facts as JSON gives them back; `InvalidInput` for what JSON cannot say exactly."""
    try:
        return json.loads(canonical_json(dict(facts or {})))
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"facts are not plain JSON: {error}", hint='spell infinities and NaN as "NaN"'
        ) from None


def promote(state: ModelState, stage: str, version: Which = None, comment: str = "") -> list[Draft]:
    """A version (by default the newest) into a stage, which it then holds. Others stay in it, underneath."""
    check_stage(stage)
    chosen = queries.resolve(state, queries.selector(version))
    if queries.holder(state, stage) is chosen:
        return []
    return [_assigned(state, stage, chosen.label, comment)]


def demote(state: ModelState, stage: str, version: Which = None, comment: str = "") -> list[Draft]:
    """Without a version the stage is empty afterwards. With one, only that leaves it: when it held the stage, the one
    assigned before it holds it again. `StageEmpty` when there is nothing to take out."""
    queries.require(state)
    leaving = [a for a in state.assignments if a.stage == stage]
    if version is not None:
        label = queries.find(state, queries.selector(version)).label
        leaving = [a for a in leaving if a.version == label]
        if not leaving:
            raise StageEmpty(
                f"version {label} of {state.name!r} is not in stage {stage!r}",
                hint=f"it is in: {', '.join(queries.stages_of(state, label)) or 'none'}",
            )
    if not leaving:
        queries.resolve(state, Stage(stage))
    return [unassigned(state, assignment, comment) for assignment in leaving]


def transition(
    state: ModelState,
    version: Which,
    stage: str | None,
    *,
    archive_to: str | None = None,
    comment: str = "",
) -> list[Draft]:
    """A version into one stage alone, out of all others it is in; None only takes it out.

    With ``archive_to`` every other version in the stage goes to that one instead.
    """
    chosen = queries.resolve(state, queries.selector(version))
    if stage is None:
        return _leaving(state, chosen.label, None, comment)
    moves: list[Draft] = []
    for other in queries.members(state, stage) if archive_to else ():
        if other is not chosen and archive_to:
            moves += _into(state, other, archive_to, comment)
    return moves + _into(state, chosen, stage, comment)


def _into(state: ModelState, version: Version, stage: str, comment: str) -> list[Draft]:
    left = _leaving(state, version.label, stage, comment)
    return left + promote(state, stage, queries.exactly(version), comment)


def _leaving(state: ModelState, label: str, stage: str | None, comment: str) -> list[Draft]:
    mine = [a for a in state.assignments if a.version == label and a.stage != stage]
    return [unassigned(state, assignment, comment) for assignment in mine]


def _assigned(state: ModelState, stage: str, label: str, comment: str) -> Draft:
    after = {"stage": stage, "version": label}
    return Draft(Kind.STAGE_ASSIGNED, subject(state.name), after=after, comment=comment)


def unassigned(state: ModelState, assignment: Assignment, comment: str) -> Draft:
    """A version out of a stage."""
    before = {"stage": assignment.stage, "version": assignment.version}
    after = {"stage": assignment.stage}
    return Draft(Kind.STAGE_UNASSIGNED, subject(state.name), before, after, comment)


def set_alias(state: ModelState, alias: str, version: Which, comment: str = "") -> list[Draft]:
    """An alias to a version, away from the one it pointed to."""
    alias = check_alias(alias)
    label = queries.resolve(state, queries.selector(version)).label
    old = state.aliases.get(alias)
    if old == label:
        return []
    before, after = {"alias": alias, "version": old}, {"alias": alias, "version": label}
    return [Draft(Kind.ALIAS_MOVED, subject(state.name), before, after, comment)]


def remove_alias(state: ModelState, alias: str, comment: str = "") -> list[Draft]:
    """An alias away; `NotFound` when it is not there."""
    queries.require(state)
    alias = unicodedata.normalize("NFC", alias)
    if alias not in state.aliases:
        known = f"aliases: {', '.join(sorted(state.aliases)) or 'none'}"
        near = did_you_mean(alias, state.aliases)
        raise NotFound(f"{state.name!r} has no alias {alias!r}", hint=near or known)
    return [_alias_removed(state, alias, comment)]


def _alias_removed(state: ModelState, alias: str, comment: str) -> Draft:
    before = {"alias": alias, "version": state.aliases[alias]}
    after = {"alias": alias, "version": None}
    return Draft(Kind.ALIAS_REMOVED, subject(state.name), before, after, comment)


def deregister(state: ModelState, version: Which, comment: str = "") -> list[Draft]:
    """A version out of use, with its record kept; registering its content brings it back."""
    known = queries.find(state, queries.selector(version))
    if not known.active:
        return []
    before = {"version": known.label}
    return [Draft(Kind.VERSION_DEREGISTERED, subject(state.name), before, comment=comment)]


def delete_version(state: ModelState, version: Which, comment: str = "") -> list[Draft]:
    """A version gone for good, out of its stages and aliases; its number is not given out again."""
    known = queries.find(state, queries.selector(version))
    before = {"version": known.label, "digest": known.digest, "semver": known.semver}
    return [
        *(_alias_removed(state, a, comment) for a in queries.aliases_of(state, known.label)),
        *_leaving(state, known.label, None, comment),
        Draft(Kind.VERSION_DELETED, subject(state.name), before, comment=comment),
    ]


def delete_model(state: ModelState, comment: str = "") -> list[Draft]:
    """A model gone with all its versions. Who takes its name begins at version 1."""
    queries.require(state)
    before = {"versions": list(state.versions), "aliases": dict(state.aliases)}
    return [Draft(Kind.MODEL_DELETED, subject(state.name), before, comment=comment)]


def deprecate(state: ModelState, comment: str = "") -> list[Draft]:
    """A model marked as not to be used any more; registering, promoting or the like undoes it."""
    queries.require(state)
    if state.deprecated:
        return []
    return [Draft(Kind.MODEL_DEPRECATED, subject(state.name), comment=comment)]


def rename(state: ModelState, name: str, comment: str = "") -> list[Draft]:
    """Another name for the same model. The registry refuses one that is taken."""
    queries.require(state)
    name = check_name(name)
    if name == state.name:
        return []
    before, after = {"name": state.name}, {"name": name}
    return [Draft(Kind.MODEL_RENAMED, subject(state.name), before, after, comment)]


def comment(state: ModelState, version: Which, text: str) -> list[Draft]:
    """Words about a model, or with a version about that one; they change nothing but its history."""
    queries.require(state)
    if not text.strip():
        raise InvalidInput("a comment says something")
    if version is None:
        return [Draft(Kind.MODEL_COMMENTED, subject(state.name), comment=text)]
    after = {"version": queries.find(state, queries.selector(version)).label}
    return [Draft(Kind.VERSION_COMMENTED, subject(state.name), after=after, comment=text)]


def describe(
    state: ModelState,
    *,
    description: str | None = None,
    facts: Mapping[str, Any] | None = None,
    comment: str = "",
) -> list[Draft]:
    """Other words or facts about a model; a fact that is None is removed, one not given stays."""
    queries.require(state)
    before, after = _differences(state.facts, facts)
    if description is not None and description != state.description:
        before["description"], after["description"] = state.description, description
    if not after:
        return []
    return [Draft(Kind.MODEL_DESCRIBED, subject(state.name), before, after, comment)]


def describe_version(
    state: ModelState, version: Which, *, facts: Mapping[str, Any], comment: str = ""
) -> list[Draft]:
    """Other facts about a version (``description``, ``metrics`` …); one that is None is removed, one not given stays."""
    known = queries.find(state, queries.selector(version))
    before, after = _differences(known.facts, facts)
    if not after:
        return []
    before, after = {"version": known.label, **before}, {"version": known.label, **after}
    return [Draft(Kind.VERSION_DESCRIBED, subject(state.name), before, after, comment)]


def _differences(
    known: Mapping[str, Any], wanted: Mapping[str, Any] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """``facts`` before and after, of those that differ; both empty when none does."""
    changes = {k: v for k, v in plain(wanted).items() if known.get(k) != v}
    if not changes:
        return {}, {}
    return {"facts": {k: known.get(k) for k in changes}}, {"facts": changes}
