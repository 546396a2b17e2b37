"""The drafts that bring one side to what both are to be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from modelyard.base.events import Draft, Kind
from modelyard.registry import queries
from modelyard.registry._mirror.merging import Side
from modelyard.registry._mirror.views import Matched, View, view
from modelyard.registry.decisions import subject
from modelyard.registry.fold import apply
from modelyard.registry.interface import ModelState, Version
from modelyard.registry.recording import events_of

Learn = Callable[[Version], tuple[str, Mapping[str, Any]]]
"""The digest and facts to remember of a version that comes from the other side."""

_OTHER: Mapping[str, str] = {"yard": "Git", "git": "the yard"}


class _Drafts:
    """Drafts for one side, each on the state that those before it leave."""

    def __init__(self, state: ModelState, side: Side) -> None:
        self.state, self.side = state, side
        self.drafts: list[Draft] = []

    def add(
        self,
        kind: Kind,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        comment: str = "",
    ) -> None:
        words = f"mirrored from {_OTHER[self.side]}"
        about = f"{comment} ({words})" if comment else words
        draft = Draft(kind, subject(self.state.name), before or {}, after or {}, about)
        [event] = events_of(self.state, [draft])
        self.drafts.append(draft)
        self.state = apply(self.state, event)

    def label(self, semver: str) -> str:
        version = queries.with_semver(self.state, semver)
        assert version is not None
        return version.label


def drafts_for(
    side: Side,
    state: ModelState,
    matched: Matched,
    target: View,
    learn: Learn,
    left_alone: Collection[str] = (),
) -> list[Draft]:
    """What makes ``target`` of a side: versions first, then stages, aliases but those left alone, and last whether it is
    deprecated."""
    made = _Drafts(state, side)
    if side == "yard" and not state.exists and matched.to_yard:
        made.add(Kind.MODEL_CREATED)
    for version, semver in matched.labelled if side == "yard" else ():
        _label(made, version, semver)
    for version in matched.to_yard if side == "yard" else matched.to_git:
        _register(made, version, learn)
    _activity(made, target)
    now = view(made.state, target.active.keys())
    for stage in sorted({*now.stages, *target.stages}):
        _stage(made, stage, now.stages.get(stage, ()), target.stages.get(stage, ()))
    if not (side == "git" and state.deprecated):  # an alias does not undo that there: the next time
        _aliases(made, now, target, left_alone)
    _deprecation(made, target)
    return made.drafts


def labelled(state: ModelState, matched: Matched) -> ModelState:
    """The yard's state when each version that is to get a SemVer has it."""
    made = _Drafts(state, "yard")
    for version, semver in matched.labelled:
        _label(made, version, semver)
    return made.state


def _label(made: _Drafts, version: Version, semver: str) -> None:
    label = {"version": version.label}
    made.add(Kind.VERSION_DESCRIBED, {**label, "semver": None}, {**label, "semver": semver})


def _register(made: _Drafts, version: Version, learn: Learn) -> None:
    digest, facts = learn(version)
    number = str(made.state.counter + 1)
    after = {
        "version": number if made.side == "yard" else version.semver,
        "semver": version.semver,
        "digest": digest,
        "commit": version.commit,
        "facts": dict(facts),
    }
    by = f"{version.comment}, by {version.actor}" if version.comment else f"by {version.actor}"
    made.add(Kind.VERSION_REGISTERED, after=after, comment=by if version.actor else version.comment)


def _activity(made: _Drafts, target: View) -> None:
    for semver, wanted in target.active.items():
        version = queries.with_semver(made.state, semver)
        if version is None or version.active == wanted:
            continue
        if not wanted:
            made.add(Kind.VERSION_DEREGISTERED, {"version": version.label})
            continue
        _again(made, version)


def _again(made: _Drafts, version: Version) -> None:
    """A version registered once more, as it was."""
    known = {"semver": version.semver, "digest": version.digest, "commit": version.commit}
    after = {"version": version.label, **known, "facts": dict(version.facts)}
    made.add(Kind.VERSION_REGISTERED, after=after)


def _stage(made: _Drafts, stage: str, now: Sequence[str], wanted: Sequence[str]) -> None:
    """Those out that are not wanted; then in again, in order, all behind the first that is not in its place."""
    staying = [semver for semver in now if semver in wanted]
    alike = 0
    while alike < len(staying) and staying[alike] == wanted[alike]:
        alike += 1
    for semver in wanted[alike:]:
        made.add(Kind.STAGE_ASSIGNED, after={"stage": stage, "version": made.label(semver)})
    for semver in now:
        if semver not in wanted:
            before = {"stage": stage, "version": made.label(semver)}
            made.add(Kind.STAGE_UNASSIGNED, before, {"stage": stage})


def _aliases(made: _Drafts, now: View, target: View, left_alone: Collection[str]) -> None:
    for alias in sorted({*now.aliases, *target.aliases} - set(left_alone)):
        old, new = now.aliases.get(alias), target.aliases.get(alias)
        if old == new:
            continue
        before = {"alias": alias, "version": made.state.aliases.get(alias)}
        to = made.label(new) if new else None
        kind = Kind.ALIAS_MOVED if new else Kind.ALIAS_REMOVED
        made.add(kind, before, {"alias": alias, "version": to})


def _deprecation(made: _Drafts, target: View) -> None:
    """Something must happen to a deprecated model to revive it: what happened last to it happens again."""
    state = made.state
    if state.exists and target.deprecated and not state.deprecated:
        made.add(Kind.MODEL_DEPRECATED)
    if not state.deprecated or target.deprecated:
        return
    newest = queries.newest(state)
    if state.assignments:
        last = state.assignments[-1]
        made.add(Kind.STAGE_ASSIGNED, after={"stage": last.stage, "version": last.version})
    elif newest:
        _again(made, newest)
