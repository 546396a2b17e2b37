"""A registry that counts (a yard) and one of SemVer (Git) kept in step, in both directions.

What both said alike the last time is remembered, so that what is on one side only is known for new or for gone. A model
with a conflict is left as it is on both sides; the others go on. Running it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from modelyard.base.errors import Conflict, InvalidName, ModelyardError, Overloaded
from modelyard.base.events import Draft, Event, Kind
from modelyard.base.names import RegistryKind, check_name
from modelyard.registry._mirror.drafting import Learn, drafts_for, labelled
from modelyard.registry._mirror.merging import Side, agreed, merge
from modelyard.registry._mirror.views import View, match, view, view_of
from modelyard.registry.interface import ModelState, Registry
from modelyard.registry.queries import holders, with_semver

MOST_ROUNDS = 20

Commits = Callable[[Collection[str]], Collection[str]]
"""Of some commits, those that the repository has."""


@dataclass(frozen=True)
class ModelPlan:
    """What is to happen to one model, on each side."""

    name: str
    drafts: Mapping[Side, Sequence[Draft]]
    apart: Sequence[str] = ()
    """What is not mirrored, a line each."""
    conflicts: Sequence[str] = ()
    base: View = field(default_factory=View)
    """What both sides say alike now."""


@dataclass
class Outcome:
    """What was done, and what was not."""

    changes: list[tuple[str, Draft]] = field(default_factory=list[tuple[str, Draft]])
    apart: list[str] = field(default_factory=list[str])
    conflicts: list[str] = field(default_factory=list[str])

    def refuse(self) -> None:
        """`Conflict` when there is one."""
        if self.conflicts:
            raise Conflict(
                "not mirrored: " + "; ".join(self.conflicts),
                hint="change one side to what the other says, or say who is right with --prefer",
                conflicts=self.conflicts,
            )


@dataclass(frozen=True)
class Pair:
    """The two registries and what is known of them: which commits Git has, and what a version that comes over is."""

    yard: Registry
    git: Registry
    commits: Commits = set
    learn_from_git: Learn = lambda version: (version.digest, version.facts)
    learn_from_yard: Learn = lambda version: (version.digest, version.facts)
    sides: Collection[Side] = ("yard", "git")
    """Those that are written to."""
    prefer: Side | None = None
    """Who is right where both changed the same."""

    def registry(self, side: Side) -> Registry:
        """One of them."""
        return self.yard if side == "yard" else self.git

    def learn(self, side: Side) -> Learn:
        """What is remembered of a version that comes to this side."""
        return self.learn_from_git if side == "yard" else self.learn_from_yard


def plan(pair: Pair, yard: ModelState, git: ModelState, base: View | None) -> ModelPlan:
    """What would bring a model in step, by its state on each side and what was known before."""
    name = yard.name
    lacking = [v for v in yard.versions.values() if v.semver and not with_semver(git, v.semver)]
    has = pair.commits({version.commit for version in lacking if version.commit})
    matched = match(yard, git, base, has)
    named = labelled(yard, matched)
    apart = [*matched.apart, *_unnamed(named, matched.common)]
    refused = _refused(name, yard, git) if matched.to_yard or matched.to_git else None
    if refused:
        return ModelPlan(name, {}, [refused], base=base or View())
    left_alone = {a for a, label in named.aliases.items() if named.versions[label].semver not in matched.common}  # fmt: skip
    views = (_without(view(named, matched.common), left_alone), _without(view(git, matched.common), left_alone))  # fmt: skip
    merged = merge(_without(base, left_alone) if base else None, *views, pair.prefer)
    conflicts = [*matched.conflicts, *merged.conflicts]
    if conflicts:
        return ModelPlan(name, {}, apart, conflicts, base or View())
    states: Mapping[Side, ModelState] = {"yard": yard, "git": git}
    drafts: dict[Side, Sequence[Draft]] = {
        side: drafts_for(side, states[side], matched, merged.target, pair.learn(side), left_alone)
        for side in pair.sides
    }
    apart += [
        f"deprecated {_IN[side]} alone, where nothing is left to revive it with"
        for side, made in drafts.items()
        if states[side].deprecated and not merged.target.deprecated and not made
    ]
    if git.deprecated and merged.target.aliases != views[1].aliases and not drafts.get("git"):
        apart.append("its aliases wait in the yard: Git takes none of a deprecated model")
    there = matched.common - {str(v.semver) for v in (*matched.to_yard, *matched.to_git)}
    known = agreed(base, *views, there)
    waiting = {a: to for a, to in (base or View()).aliases.items() if a in left_alone}
    aliases = {**known.aliases, **waiting}
    return ModelPlan(name, drafts, apart, (), replace(known, aliases=aliases))


_IN: Mapping[Side, str] = {"yard": "in the yard", "git": "in Git"}


def _without(found: View, aliases: Collection[str]) -> View:
    kept = {alias: to for alias, to in found.aliases.items() if alias not in aliases}
    return replace(found, aliases=kept)


def _unnamed(yard: ModelState, common: Collection[str]) -> list[str]:
    """Aliases and stages of the yard that only it can hold."""
    held = [(f"stage {stage} is held by", to) for stage, to in sorted(holders(yard).items())]
    held += [(f"alias {alias} is at", to) for alias, to in sorted(yard.aliases.items())]
    return [
        f"{what} version {label}, which is in the yard alone"
        for what, label in held
        if yard.versions[label].semver not in common
    ]


def _refused(name: str, yard: ModelState, git: ModelState) -> str | None:
    """Why a side that lacks the model cannot have it."""
    kinds: tuple[tuple[ModelState, RegistryKind, str], ...] = (
        (yard, "yard", "the yard"),
        (git, "git", "Git"),
    )
    for state, kind, place in kinds:
        try:
            if not state.exists:
                check_name(name, registry=kind)
        except InvalidName as error:
            return f"not in {place}: {error.message}"
    return None


def mirror(
    pair: Pair, bases: Mapping[str, Mapping[str, Any]], *, names: Collection[str] | None = None
) -> tuple[Outcome, dict[str, dict[str, Any]]]:
    """Bring all models (or some) in step. ``bases`` is what the last time gave as the second result."""
    outcome = Outcome()
    kept = {name: dict(base) for name, base in bases.items()}
    for name, states in _all_states(pair, bases):
        if names is not None and name not in names:
            continue
        found = _mirror_model(pair, name, states, view_of(bases.get(name)), outcome)
        if found is not None:
            kept[name] = found.to_dict()
    return outcome, kept


def _all_states(
    pair: Pair, bases: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[Side, ModelState]]]:
    """Every model as it is on each side: each registry is asked once for all."""
    yard = {state.name: state for state in pair.yard.states()}
    git = {state.name: state for state in pair.git.states()}
    for name in sorted({*yard, *git, *bases}):
        nothing = ModelState(name)
        yield name, {"yard": yard.get(name, nothing), "git": git.get(name, nothing)}


def _mirror_model(
    pair: Pair,
    name: str,
    states: Mapping[Side, ModelState],
    base: View | None,
    outcome: Outcome,
) -> View | None:
    """One model, in rounds: a version is there before a stage names it. None: nothing new is known of it."""
    changes: list[tuple[str, Draft]] = []
    for _ in range(MOST_ROUNDS):
        found = plan(pair, states["yard"], states["git"], base)
        todo: list[Side] = sorted(side for side, drafts in found.drafts.items() if drafts)
        if not todo:
            break
        try:
            for side in todo:  # Git first: it may refuse
                first = _next(side, found.drafts[side])
                if _write(pair.registry(side), states[side], first):
                    changes += [(side, draft) for draft in first]
        except ModelyardError as error:
            if error.code not in _OF_A_MODEL:
                raise
            found = ModelPlan(name, {}, found.apart, [error.message], base or View())
            break
        states = {"yard": pair.yard.state(name), "git": pair.git.state(name)}
    else:
        raise Overloaded(f"others are changing {name!r}", hint="try again", transient=True)
    outcome.changes += changes
    outcome.apart += [f"{name}: {line}" for line in found.apart]
    outcome.conflicts += [f"{name}: {line}" for line in found.conflicts]
    return None if found.conflicts and base is None else found.base


_OF_A_MODEL = {
    *("conflict", "already_exists", "invalid_input", "invalid_name", "invalid_reference"),
    *("not_found", "version_not_found", "not_supported"),
}
"""Errors that say something about one model; others (nobody answers, nobody may) are about all."""


def _next(side: Side, drafts: Sequence[Draft]) -> Sequence[Draft]:
    """In Git a tag is made for a version that is there: those first."""
    new = [draft for draft in drafts if draft.kind is Kind.VERSION_REGISTERED]
    return new or drafts if side == "git" else drafts


class _Changed(Exception):
    """Somebody wrote meanwhile."""


def _write(registry: Registry, seen: ModelState, drafts: Sequence[Draft]) -> Sequence[Event]:
    """Carry drafts out on the state they were made for; nothing when that is another one now."""

    def decide(state: ModelState) -> Sequence[Draft]:
        if state.seq != seen.seq or state.exists != seen.exists:
            raise _Changed
        return drafts

    try:
        return registry.write(seen.name, decide)
    except _Changed:
        return ()


def preview(pair: Pair, bases: Mapping[str, Mapping[str, Any]]) -> Outcome:
    """What `mirror` would do first. What follows from that (a stage of a version that is not there yet) is in it too."""
    outcome = Outcome()
    for name, states in _all_states(pair, bases):
        found = plan(pair, states["yard"], states["git"], view_of(bases.get(name)))
        outcome.changes += [(side, d) for side, drafts in found.drafts.items() for d in drafts]
        outcome.apart += [f"{name}: {line}" for line in found.apart]
        outcome.conflicts += [f"{name}: {line}" for line in found.conflicts]
    return outcome


def describe(change: Draft) -> str:
    """A change in a few words, as ``churn: v1.2.0 into prod``."""
    name = change.subject.partition(":")[2]
    after, before = change.after, change.before
    version = after.get("version") or before.get("version")
    said = {
        Kind.MODEL_CREATED: "the model",
        Kind.VERSION_REGISTERED: f"version {after.get('semver') or version}",
        Kind.VERSION_DESCRIBED: f"version {version} gets the label {after.get('semver')}",
        Kind.VERSION_DEREGISTERED: f"version {version} deregistered",
        Kind.STAGE_ASSIGNED: f"version {version} into {after.get('stage')}",
        Kind.STAGE_UNASSIGNED: f"version {version} out of {before.get('stage')}",
        Kind.ALIAS_MOVED: f"alias {after.get('alias')} to version {version}",
        Kind.ALIAS_REMOVED: f"alias {before.get('alias')} removed",
        Kind.MODEL_DEPRECATED: "deprecated",
    }
    return f"{name}: {said.get(change.kind, str(change.kind))}"
