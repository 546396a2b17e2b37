"""What one asks a state: which version is newest, who holds a stage, what a reference means. Pure, over `ModelState`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from modelyard.base import refs
from modelyard.base.errors import NotFound, StageEmpty, VersionNotFound, did_you_mean
from modelyard.base.events import Event
from modelyard.base.names import semver_key
from modelyard.registry.fold import fold
from modelyard.registry.interface import Assignment, ModelState, Version

_SHOWN = 10
"""How many of a long list a hint shows."""


def active(state: ModelState) -> list[Version]:
    """The versions that are registered now, in order of registration."""
    return [version for version in state.versions.values() if version.active]


def newest(state: ModelState) -> Version | None:
    """The active version registered last."""
    return max(active(state), key=lambda v: v.seq, default=None)


def latest(state: ModelState) -> Version | None:
    """The highest active version: by number, or by SemVer's order, where a lone pre-release is the latest too."""
    return highest(active(state))


def highest(versions: Iterable[Version]) -> Version | None:
    """The highest of some versions of one model."""
    return max(versions, key=_rank, default=None)


def _rank(version: Version) -> tuple[int, object]:
    if version.number is not None:
        return version.number, ""
    return 0, semver_key(str(version.semver))


def members(state: ModelState, stage: str) -> list[Version]:
    """The active versions assigned to a stage, the one assigned last at the end: that one holds it.

    MLflow's "latest version in a stage" is the `highest` of them.
    """
    return [state.versions[a.version] for a in _effective(state) if a.stage == stage]


def _effective(state: ModelState) -> list[Assignment]:
    return [a for a in state.assignments if _is_active(state, a.version)]


def _is_active(state: ModelState, label: str) -> bool:
    return label in state.versions and state.versions[label].active


def held(state: ModelState) -> dict[str, Assignment]:
    """Each stage that is held now, and the assignment that holds it: which version, since when, by whom."""
    return {a.stage: a for a in _effective(state)}


def holder(state: ModelState, stage: str) -> Version | None:
    """The version that a stage stands for now."""
    there = members(state, stage)
    return there[-1] if there else None


def holders(state: ModelState) -> dict[str, str]:
    """Each stage that is held now, and the label of the version that holds it."""
    return {stage: assignment.version for stage, assignment in held(state).items()}


def stages_of(state: ModelState, label: str) -> list[str]:
    """The stages a version is assigned to, the newest assignment last; none of a deregistered version."""
    return [a.stage for a in _effective(state) if a.version == label]


def aliases_of(state: ModelState, label: str) -> list[str]:
    """The aliases that point to a version, sorted."""
    return sorted(alias for alias, to in state.aliases.items() if to == label)


def state_at(events: Iterable[Event], at_ms: int, name: str = "") -> ModelState:
    """The state at a moment, given a model's events in order. What happened within that very millisecond counts, in
    order of ``seq``."""
    return fold((event for event in events if event.at_ms <= at_ms), name)


def holder_at(events: Iterable[Event], stage: str, at_ms: int) -> Version | None:
    """What a stage stood for at a moment, given a model's events in order."""
    return holder(state_at(events, at_ms), stage)


def selector(version: refs.Selector | str | int | None) -> refs.Selector:
    """What a caller means by a version: a selector, ``3``, ``"3"``, ``"v1.2.0"``, ``"latest"``, an alias; None is the newest.

    >>> selector("champion"), selector(3)
    (Alias(name='champion'), Number(number=3))
    """
    if version is None:
        return refs.Newest()
    if isinstance(version, int):
        return refs.Number(version)
    if not isinstance(version, str):
        return version
    ref = refs.parse(f"model@{version}")
    assert isinstance(ref, refs.NameRef)
    return ref.selector


def exactly(version: Version) -> refs.Selector:
    """The selector of one version and no other."""
    if version.number is not None:
        return refs.Number(version.number)
    return refs.SemVer(version.label)


def resolve(state: ModelState, which: refs.Selector) -> Version:
    """The version that a selector means here.

    `NotFound` without the model or the alias, `VersionNotFound` for a version that is not or no longer registered,
    `StageEmpty` when nothing holds the stage; hints say what there is instead.
    """
    require(state)
    match which:
        case refs.Newest() | refs.Latest():
            found = newest(state) if isinstance(which, refs.Newest) else latest(state)
            return found or _refuse_empty(state)
        case refs.Number(number):
            return _usable(state, str(number), str(number))
        case refs.SemVer(semver):
            version = with_semver(state, semver)
            return _usable(state, version.label if version else semver, semver)
        case refs.Alias(alias):
            return _usable(state, _alias_target(state, alias), alias)
        case refs.Stage(stage):
            return holder(state, stage) or _refuse_stage(state, stage)


def require(state: ModelState) -> None:
    """`NotFound` when there is no such model."""
    if not state.exists:
        raise NotFound(f"no model named {state.name!r}")


def find(state: ModelState, which: refs.Selector) -> Version:
    """Like `resolve`, but a number or SemVer finds a deregistered version too."""
    match which:
        case refs.Number(number) if str(number) in state.versions:
            return state.versions[str(number)]
        case refs.SemVer(semver) if version := with_semver(state, semver):
            return version
    return resolve(state, which)


def with_semver(state: ModelState, semver: str) -> Version | None:
    """The version that has a SemVer, deregistered or not."""
    return next((v for v in state.versions.values() if v.semver == semver), None)


def _usable(state: ModelState, label: str, word: str) -> Version:
    version = state.versions.get(label)
    if version is None:
        raise VersionNotFound(f"no version {word} of {state.name!r}", hint=_choices(state, word))
    if not version.active:
        through = f" ({word!r} points to it)" if word not in (label, version.semver) else ""
        raise VersionNotFound(
            f"version {label} of {state.name!r} is deregistered{through}",
            hint=f"register it again, or choose another; {_choices(state, word)}",
        )
    return version


def _alias_target(state: ModelState, alias: str) -> str:
    if alias not in state.aliases:
        raise NotFound(f"{state.name!r} has no alias {alias!r}", hint=_choices(state, alias))
    return state.aliases[alias]


def _refuse_empty(state: ModelState) -> Version:
    gone = ", ".join(_last(list(state.versions)))
    hint = f"deregistered: {gone}" if gone else "register one first"
    raise VersionNotFound(f"{state.name!r} has no version", hint=hint)


def _refuse_stage(state: ModelState, stage: str) -> Version:
    used = holders(state)
    known = ", ".join(f"{s} (version {v})" for s, v in sorted(used.items()))
    hint = _joined(did_you_mean(stage, used), f"in use: {known}" if known else "no stage is in use")
    raise StageEmpty(f"nothing is in stage {stage!r} of {state.name!r}", hint=hint)


def _choices(state: ModelState, word: str) -> str:
    """What there is instead of a word that named nothing."""
    labels = [v.label for v in active(state)]
    semvers = [v.semver for v in active(state) if v.semver and v.semver != v.label]
    near = did_you_mean(word, [*state.aliases, *semvers, *(w for w in labels if len(w) > 2)])
    return _joined(near, _listed("versions", labels), _listed("aliases", sorted(state.aliases)))


def _listed(what: str, words: Sequence[str]) -> str:
    return f"{what}: {', '.join(_last(words)) or 'none'}"


def _last(words: Sequence[str]) -> list[str]:
    more = ["…"] if len(words) > _SHOWN else []
    return more + list(words[-_SHOWN:])


def _joined(*parts: str | None) -> str:
    return "; ".join(part for part in parts if part)


def stage_moves(
    before: ModelState, after: ModelState
) -> Mapping[str, tuple[str | None, str | None]]:
    """The stages that another version (or none) holds afterwards: stage -> (label before, label after)."""
    old, new = holders(before), holders(after)
    stages = sorted(old.keys() | new.keys())
    return {s: (old.get(s), new.get(s)) for s in stages if old.get(s) != new.get(s)}
