"""What of a model two registries can have in common: versions that have a SemVer and a commit, and what refers to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from modelyard.registry import queries
from modelyard.registry.interface import ModelState, Version


@dataclass(frozen=True)
class View:
    """A model in terms that mean the same in both registries; versions are called by their SemVer."""

    active: Mapping[str, bool] = field(default_factory=dict[str, bool])
    """Of each version, whether it is registered and not deregistered."""
    stages: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """The versions assigned to each stage, the one that holds it last."""
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    deprecated: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON, to be kept until the next time."""
        return asdict(self)


def view_of(plain: Mapping[str, Any] | None) -> View | None:
    """What `View.to_dict` said; None for None."""
    if plain is None:
        return None
    stages = {stage: tuple(there) for stage, there in plain["stages"].items()}
    return View(plain["active"], stages, plain["aliases"], plain["deprecated"])


def view(state: ModelState, common: Collection[str]) -> View:
    """A state, of versions in ``common`` alone."""
    known = {label: v.semver for label, v in state.versions.items() if v.semver in common}
    stages: dict[str, tuple[str, ...]] = {}
    for assignment in state.assignments:
        if semver := known.get(assignment.version):
            stages[assignment.stage] = (*stages.get(assignment.stage, ()), semver)
    return View(
        {semver: state.versions[label].active for label, semver in known.items() if semver},
        stages,
        {alias: semver for alias, label in state.aliases.items() if (semver := known.get(label))},
        state.deprecated,
    )


@dataclass
class Matched:
    """Which versions of the two sides are the same."""

    common: set[str] = field(default_factory=set[str])
    """SemVers that are there, or are to be, on both sides."""
    to_yard: list[Version] = field(default_factory=list[Version])
    """Versions of Git that the yard lacks, oldest first."""
    to_git: list[Version] = field(default_factory=list[Version])
    labelled: list[tuple[Version, str]] = field(default_factory=list[tuple[Version, str]])
    """Versions of the yard at the commit of a version of Git, which get its SemVer."""
    apart: list[str] = field(default_factory=list[str])
    """What cannot be mirrored, a line each."""
    conflicts: list[str] = field(default_factory=list[str])


def match(
    yard: ModelState, git: ModelState, base: View | None, commits: Collection[str]
) -> Matched:
    """Pair the versions of a model. ``commits`` are those of the yard's versions that the repository has."""
    found = Matched()
    known = base.active if base else {}
    by_commit = {v.commit: v for v in yard.versions.values() if v.commit and not v.semver}
    for version in sorted(git.versions.values(), key=lambda v: v.seq):
        semver = str(version.semver)
        same = queries.with_semver(yard, semver)
        if same is not None:
            _pair(found, same, version)
        elif version.commit in by_commit:
            found.labelled.append((by_commit.pop(version.commit), semver))
            found.common.add(semver)
        elif semver in known:
            found.apart.append(f"{semver} was deleted in the yard, and stays in Git: deregister it")
        else:
            found.to_yard.append(version)
            found.common.add(semver)
    taken = {v.commit: str(v.semver) for v in git.versions.values()}
    labelled = {version.label for version, _ in found.labelled}
    for version in sorted(yard.versions.values(), key=lambda v: v.seq):
        if queries.with_semver(git, str(version.semver)) or version.label in labelled:
            continue
        why = _why_not(version, taken, known, commits)
        if why:
            found.apart.append(f"version {version.label} {why}")
            continue
        taken[version.commit] = str(version.semver)
        found.to_git.append(version)
        found.common.add(str(version.semver))
    return found


def _pair(found: Matched, yard: Version, git: Version) -> None:
    differ = yard.digest and git.digest and yard.digest != git.digest
    if yard.commit and yard.commit != git.commit:
        found.conflicts.append(
            f"{git.semver} is commit {git.commit[:12]} in Git and {yard.commit[:12]} in the yard"
        )
    elif not yard.commit and differ:
        found.conflicts.append(f"{git.semver} has other content in Git than in the yard")
    found.common.add(str(git.semver))


def _why_not(
    version: Version, taken: Mapping[str, str], known: Mapping[str, bool], commits: Collection[str]
) -> str | None:
    """Why Git cannot have a version of the yard; None when it can."""
    if not version.semver:
        return "has no SemVer, and stays in the yard" + ("" if version.commit else "; nor a commit")
    if version.semver in known:
        return f"({version.semver}) has no tag any more, and stays in the yard"
    if not version.commit:
        return f"({version.semver}) has no commit, and stays in the yard"
    if version.commit in taken:
        other = taken[version.commit]
        return (
            f"({version.semver}) is at the commit of {other}, and a commit has one version in Git"
        )
    if version.commit not in commits:
        short = version.commit[:12]
        return f"({version.semver}) is of commit {short}, which the repository does not have"
    return None
