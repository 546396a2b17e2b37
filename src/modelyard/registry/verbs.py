"""The verbs of a registry, on any backend: decide on the state of a name, keep what happens, say what it is now.

>>> from modelyard.registry.memory import MemoryRegistry
>>> registry = MemoryRegistry()
>>> register(registry, "churn", digest="0" * 64).label
'1'
>>> promote(registry, "churn", "prod").label
'1'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from modelyard.base.errors import Conflict, NotFound, did_you_mean
from modelyard.base.events import Draft, Event, Kind
from modelyard.base.names import Part
from modelyard.base.refs import Stage
from modelyard.registry import decisions, queries, registering
from modelyard.registry.decisions import Which
from modelyard.registry.fold import apply
from modelyard.registry.interface import Assignment, Decision, ModelState, Registry, Version


@dataclass(frozen=True, slots=True)
class Demoted:
    """What a demotion did: who left the stage, and who holds it now (an earlier assignment, or nobody)."""

    stage: str
    removed: Sequence[Assignment]
    holder: Version | None


@dataclass(frozen=True, slots=True)
class Done:
    """A decision that was carried out: the state it met, what happened, the state it left."""

    before: ModelState
    events: Sequence[Event]
    after: ModelState

    def found(self, version: Which) -> Version:
        """The version that the caller meant, as it is now."""
        return self.after.versions[queries.find(self.before, queries.selector(version)).label]

    def demoted(self, stage: str) -> Demoted:
        """Who left a stage, and who holds it now."""
        left = {e.before["version"] for e in self.events if e.kind is Kind.STAGE_UNASSIGNED}
        removed = [a for a in self.before.assignments if a.stage == stage and a.version in left]
        return Demoted(stage, removed, queries.holder(self.after, stage))


def carry_out(registry: Registry, name: str, decide: Decision) -> Done:
    """Run a decision on a registry. The states are those of that very moment, not of a later look."""
    met = ModelState(name)

    def watched(state: ModelState) -> Sequence[Draft]:
        nonlocal met
        met = state
        return decide(state)

    try:
        events = registry.write(name, watched)
    except NotFound as error:
        if not met.exists and not error.hint:
            error.hint = _near(registry, name)
        raise
    return Done(met, events, reduce(apply, events, met))


def _near(registry: Registry, name: str) -> str:
    names = list(registry.names())
    shown = ", ".join(names[:10]) + (" …" if len(names) > 10 else "")
    return did_you_mean(name, names) or (f"there are: {shown}" if names else "there are none yet")


def find(registry: Registry, name: str, version: Which = None) -> Version:
    """A version, by anything that names one; by default the newest.

    `NotFound`, `VersionNotFound` or `StageEmpty`, with hints on what there is instead.
    """
    state = registry.state(name)
    try:
        return queries.resolve(state, queries.selector(version))
    except NotFound as error:
        if not state.exists:
            error.hint = _near(registry, name)
        raise


def create(
    registry: Registry,
    name: str,
    *,
    description: str = "",
    facts: Mapping[str, Any] | None = None,
    comment: str = "",
) -> ModelState:
    """A model without versions; `AlreadyExists` when it is there."""
    return carry_out(
        registry,
        name,
        lambda s: decisions.create(s, description=description, facts=facts, comment=comment),
    ).after


def register(
    registry: Registry,
    name: str,
    *,
    digest: str = "",
    facts: Mapping[str, Any] | None = None,
    commit: str = "",
    semver: str | None = None,
    bump: Part | None = None,
    reuse: bool = True,
    comment: str = "",
) -> Version:
    """The next version of a name; of content it has already, the version that it was (`registering.register`)."""
    done = carry_out(
        registry,
        name,
        lambda s: registering.register(
            s,
            versioning=registry.versioning,
            digest=digest,
            facts=facts,
            commit=commit,
            semver=semver,
            bump=bump,
            reuse=reuse,
            comment=comment,
        ),
    )
    for event in done.events:
        if event.kind in (Kind.VERSION_REGISTERED, Kind.VERSION_DESCRIBED):
            return done.after.versions[event.after["version"]]
    known = registering.known_version(done.after, digest=digest, commit=commit, semver=semver)
    assert known is not None  # else there would have been an event
    return known


def promote(
    registry: Registry, name: str, stage: str, version: Which = None, *, comment: str = ""
) -> Version:
    """A version (by default the newest) into a stage, which it then holds."""
    done = carry_out(registry, name, lambda s: decisions.promote(s, stage, version, comment))
    return done.found(version)


def demote(
    registry: Registry, name: str, stage: str, version: Which = None, *, comment: str = ""
) -> Demoted:
    """Empty a stage, or take one version out of it; the result says who holds it then."""
    done = carry_out(registry, name, lambda s: decisions.demote(s, stage, version, comment))
    return done.demoted(stage)


def rollback(registry: Registry, name: str, stage: str, *, comment: str = "") -> Demoted:
    """The version that holds a stage out of it, so that the one before holds it again; `Conflict` when there was none."""

    def decide(state: ModelState) -> Sequence[Draft]:
        current = queries.resolve(state, Stage(stage))
        drafts = decisions.demote(state, stage, queries.exactly(current), comment)
        if all(version is current for version in queries.members(state, stage)):
            raise Conflict(
                f"no version was in stage {stage!r} of {state.name!r} before {current.label}",
                hint="demote empties a stage",
            )
        return drafts

    return carry_out(registry, name, decide).demoted(stage)


def transition(
    registry: Registry,
    name: str,
    version: Which,
    stage: str | None,
    *,
    archive_to: str | None = None,
    comment: str = "",
) -> ModelState:
    """A version into one stage alone; with ``archive_to`` the others in it go there."""
    return carry_out(
        registry,
        name,
        lambda s: decisions.transition(s, version, stage, archive_to=archive_to, comment=comment),
    ).after


def set_alias(
    registry: Registry, name: str, alias: str, version: Which = None, *, comment: str = ""
) -> Version:
    """An alias to a version (by default the newest), away from the one it pointed to."""
    done = carry_out(registry, name, lambda s: decisions.set_alias(s, alias, version, comment))
    return done.found(version)


def remove_alias(registry: Registry, name: str, alias: str, *, comment: str = "") -> ModelState:
    """An alias away; `NotFound` when it is not there."""
    return carry_out(registry, name, lambda s: decisions.remove_alias(s, alias, comment)).after


def deregister(registry: Registry, name: str, version: Which, *, comment: str = "") -> Version:
    """A version out of use, its record kept."""
    done = carry_out(registry, name, lambda s: decisions.deregister(s, version, comment))
    return done.found(version)


def delete_version(
    registry: Registry, name: str, version: Which, *, comment: str = ""
) -> ModelState:
    """A version gone for good; its number is not given out again."""
    return carry_out(registry, name, lambda s: decisions.delete_version(s, version, comment)).after


def delete_model(registry: Registry, name: str, *, comment: str = "") -> None:
    """A model gone with all its versions."""
    carry_out(registry, name, lambda s: decisions.delete_model(s, comment))


def deprecate(registry: Registry, name: str, *, comment: str = "") -> ModelState:
    """A model marked as not to be used any more."""
    return carry_out(registry, name, lambda s: decisions.deprecate(s, comment)).after


def rename(registry: Registry, name: str, new_name: str, *, comment: str = "") -> ModelState:
    """Another name for the same model; `AlreadyExists` or `InvalidName` when that is taken."""
    return carry_out(registry, name, lambda s: decisions.rename(s, new_name, comment)).after


def comment(registry: Registry, name: str, text: str, version: Which = None) -> None:
    """Say something about a model, or about one of its versions."""
    carry_out(registry, name, lambda s: decisions.comment(s, version, text))


def describe(
    registry: Registry,
    name: str,
    *,
    description: str | None = None,
    facts: Mapping[str, Any] | None = None,
    comment: str = "",
) -> ModelState:
    """Other words or facts about a model."""
    return carry_out(
        registry,
        name,
        lambda s: decisions.describe(s, description=description, facts=facts, comment=comment),
    ).after


def describe_version(
    registry: Registry, name: str, version: Which, *, facts: Mapping[str, Any], comment: str = ""
) -> Version:
    """Other facts about a version; one that is None is removed, one not given stays."""
    done = carry_out(
        registry,
        name,
        lambda s: decisions.describe_version(s, version, facts=facts, comment=comment),
    )
    return done.found(version)
