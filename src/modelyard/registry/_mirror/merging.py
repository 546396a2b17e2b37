"""What a model is to be on both sides: each side's changes since the last time, together; both at once is a conflict."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from modelyard.registry._mirror.views import View

Side = Literal["yard", "git"]

Value = TypeVar("Value")


@dataclass
class Merged:
    """The view that both sides should have, and where that cannot be said."""

    target: View
    conflicts: list[str] = field(default_factory=list[str])


def merge(base: View | None, yard: View, git: View, prefer: Side | None) -> Merged:
    """Three views as one. Of the versions that only one side has yet, that side's word counts."""
    merger = _Merger(prefer)
    known = base or View()
    active = {
        semver: merger.one(
            semver,
            known.active.get(semver, True),
            yard.active.get(semver, git.active.get(semver)),
            git.active.get(semver, yard.active.get(semver)),
            lambda value: "registered" if value else "deregistered",
        )
        for semver in sorted(yard.active.keys() | git.active.keys())
    }
    stages = {
        stage: merger.one(
            f"stage {stage}",
            tuple(s for s in known.stages.get(stage, ()) if s in active),
            tuple(yard.stages.get(stage, ())),
            tuple(git.stages.get(stage, ())),
            lambda value: f"held by {value[-1]}" if value else "empty",
        )
        for stage in sorted({*known.stages, *yard.stages, *git.stages})
    }
    aliases = {
        alias: merger.one(
            f"alias {alias}",
            known.aliases.get(alias),
            yard.aliases.get(alias),
            git.aliases.get(alias),
            lambda value: f"at {value}" if value else "removed",
        )
        for alias in sorted({*known.aliases, *yard.aliases, *git.aliases})
    }
    deprecated = merger.one(
        "the model", known.deprecated, yard.deprecated, git.deprecated, lambda value: str(value)
    )
    target = View(
        {semver: bool(value) for semver, value in active.items()},
        {stage: there for stage, there in stages.items() if there},
        {alias: to for alias, to in aliases.items() if to},
        deprecated,
    )
    return Merged(target, merger.conflicts)


class _Merger:
    def __init__(self, prefer: Side | None) -> None:
        self._prefer = prefer
        self.conflicts: list[str] = []

    def one(self, what: str, base: Value, yard: Value, git: Value, words: Any) -> Value:
        """The value that was changed; when both were, the one preferred, or a conflict."""
        if yard in (git, base):
            return git
        if git == base or self._prefer == "yard":
            return yard
        if self._prefer is None:
            self.conflicts.append(f"{what} is {words(yard)} in the yard and {words(git)} in Git")
        return git


def agreed(base: View | None, yard: View, git: View, common: Collection[str]) -> View:
    """What both sides say alike, to compare with the next time; of the rest what was known before."""
    known = base or View()
    stages = {*known.stages, *yard.stages, *git.stages}
    aliases = {*known.aliases, *yard.aliases, *git.aliases}
    found_stages = {
        stage: _alike(known.stages.get(stage), yard.stages.get(stage), git.stages.get(stage))
        for stage in sorted(stages)
    }
    found_aliases = {
        alias: _alike(known.aliases.get(alias), yard.aliases.get(alias), git.aliases.get(alias))
        for alias in sorted(aliases)
    }
    both = yard.active.keys() & git.active.keys()
    active: Mapping[str, bool] = {
        semver: bool(
            _alike(known.active.get(semver, True), yard.active[semver], git.active[semver])
        )
        for semver in sorted(both & set(common))
    }
    return View(
        {**known.active, **active},
        {stage: there for stage, there in found_stages.items() if there},
        {alias: to for alias, to in found_aliases.items() if to},
        yard.deprecated if yard.deprecated == git.deprecated else known.deprecated,
    )


def _alike(base: Value, yard: Value, git: Value) -> Value:
    return yard if yard == git else base
