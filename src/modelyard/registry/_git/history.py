"""From tags to events: in which order they happened, which version each is about. Pure.

A version is a name at a commit, and a stage or an alias is set for the version at its commit, even when that is
registered later. Tags have whole seconds; those of one second come in the order in which GTO decides its ties
(`modelyard.registry.fold`). GTO's state is then what the fold makes of the events, checked against GTO itself on
random repositories.

An event's ``seq`` is its second times a million and its place within that second, so that a tag that comes later by a
fetch moves none but those of its own second. ``after`` also holds ``tag``, ``commit`` and ``email``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from modelyard.base.events import Event, Kind
from modelyard.registry._git.collecting import without_collector
from modelyard.registry._git.messages import take_apart
from modelyard.registry._git.reading import Skipped, Tag
from modelyard.registry._git.tags import Action
from modelyard.registry.fold import fold
from modelyard.registry.interface import ModelState

_SECOND = 1_000_000

_ORDER = {action: place for place, action in enumerate(Action)}
_BY_VERSION = (Action.REGISTER, Action.DEREGISTER)
_AT_VERSION = (Action.ASSIGN, Action.UNASSIGN, Action.ALIAS)
_ALIASES = (Action.ALIAS, Action.UNALIAS)
# A member of an enum is looked up slowly, and these are for every tag.
_REGISTER, _DEREGISTER, _ASSIGN = Action.REGISTER, Action.DEREGISTER, Action.ASSIGN
_DEPRECATE = Action.DEPRECATE

_KINDS = {
    Action.DEPRECATE: Kind.MODEL_DEPRECATED,
    Action.REGISTER: Kind.VERSION_REGISTERED,
    Action.DEREGISTER: Kind.VERSION_DEREGISTERED,
    Action.ASSIGN: Kind.STAGE_ASSIGNED,
    Action.UNASSIGN: Kind.STAGE_UNASSIGNED,
    Action.ALIAS: Kind.ALIAS_MOVED,
    Action.UNALIAS: Kind.ALIAS_REMOVED,
}


class Commits:
    """Which versions of a model are registered at which commit, at any time."""

    def __init__(self, tags: Iterable[Tag]) -> None:
        self._at: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self._said: defaultdict[tuple[str, str, str], list[tuple[int, bool]]] = defaultdict(list)
        """Of a version at a commit: when it was registered (False) and deregistered (True)."""
        self._rank: dict[tuple[str, str, str], tuple[int, int]] = {}
        by_version = (tag for tag in tags if tag.said.action in _BY_VERSION)
        for place, tag in enumerate(sorted(by_version, key=lambda tag: (tag.at, tag.ref))):
            self._add(tag, place)

    def _add(self, tag: Tag, place: int) -> None:
        key = tag.said.name, tag.said.what, tag.commit
        last, first = self._rank.get(key, (0, place))
        registers = tag.said.action is Action.REGISTER
        self._rank[key] = (tag.at if registers else last, first)
        self._said[key].append((tag.at, not registers))
        there = self._at[tag.said.name, tag.commit]
        if registers and tag.said.what not in there:
            there.append(tag.said.what)

    def rank(self, tag: Tag, version: str) -> tuple[int, int]:
        """Of the version that a tag is about: when it was registered last, and its place among all. Of assignments of
        one second the lowest holds."""
        return self._rank.get((tag.said.name, version, tag.commit), (0, 0))

    def ended(self, name: str, version: str, commit: str) -> bool:
        """Whether the version at that commit is deregistered in the end; of one second the removal wins."""
        return max(self._said[name, version, commit])[1]

    def version(self, tag: Tag) -> str:
        """The version that a tag is about; empty for one at a commit where none is registered."""
        if tag.said.action in _BY_VERSION:
            return tag.said.what
        there = self.at(tag.said.name, tag.commit)
        if len(there) < 2:
            return there[0] if there else ""
        known = [v for v in there if self._said[tag.said.name, v, tag.commit][0][0] <= tag.at]
        return (known or there)[-1]

    def knows(self, tag: Tag) -> bool:
        """Whether the version that a tag names is registered at its commit, at any time."""
        return tag.said.what in self.at(tag.said.name, tag.commit)

    def at(self, name: str, commit: str) -> Sequence[str]:
        """The versions registered at a commit, at any time."""
        return self._at.get((name, commit), ())

    def shared(self) -> list[tuple[str, str, Sequence[str]]]:
        """Name, commit and versions, where there are several."""
        return [(name, at, there) for (name, at), there in self._at.items() if len(there) > 1]


@without_collector()
def to_events(tags: Sequence[Tag]) -> tuple[list[Event], list[Skipped]]:
    """All events of the tags in order, and the tags that have no effect."""
    commits = Commits(tags)
    told = _Told(commits)
    known: defaultdict[str, _Known] = defaultdict(_Known)
    for tag, version in sorted(
        [(tag, commits.version(tag)) for tag in tags], key=lambda pair: _when(*pair, commits)
    ):
        told.tell(tag, version, known[tag.said.name])
    return told.events, told.skipped


def by_model(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Each model's own events, by its name, sorted."""
    found: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        found[event.subject].append(event)
    return {about.removeprefix("model:"): found[about] for about in sorted(found)}


@without_collector()
def states_of(events: Iterable[Event]) -> dict[str, ModelState]:
    """The state of every model, by its name."""
    return {name: fold(mine, name) for name, mine in by_model(events).items()}


def _when(tag: Tag, version: str, commits: Commits) -> tuple[Any, ...]:
    action = tag.said.action
    if action is not _ASSIGN:
        return tag.at, _ORDER[action], 0, 0, tag.ref
    last, first = commits.rank(tag, version)
    return tag.at, _ORDER[action], -last, -first, tag.ref


class _Known:
    """What is known of a model while its tags are gone through."""

    __slots__ = ("aliases", "assigned", "commits", "deprecated")

    def __init__(self) -> None:
        self.commits: dict[str, str] = {}
        """Version -> the commit where it is registered."""
        self.aliases: dict[str, str | None] = {}
        self.assigned: dict[tuple[str, str], str] = {}
        """Stage and commit -> the version there that was assigned last."""
        self.deprecated = False


class _Told:
    """Tags become events one by one, or are said to have no effect."""

    def __init__(self, commits: Commits) -> None:
        self.events: list[Event] = []
        self.skipped: list[Skipped] = []
        self._commits = commits
        self._seq = 0

    def tell(self, tag: Tag, version: str, known: _Known) -> None:
        why = self._without_effect(tag, version, known)
        if why:
            self.skipped.append(why)
            return
        action = tag.said.action
        comment, digest, facts = take_apart(tag.message, tag.said, version)
        before, after = _WORDS[action](tag, version, known)
        if action is _REGISTER:
            if known.commits.get(version, tag.commit) != tag.commit:
                # GTO gives a number out again when nothing above it is registered: it is another version of that name.
                self._add(tag, Kind.VERSION_DELETED, {"version": version}, {}, "")
            after["digest"], after["facts"] = digest, dict(facts)
            known.commits[version] = tag.commit
        self._add(tag, _KINDS[action], before, after, comment)
        known.deprecated = action is _DEPRECATE

    def _add(
        self, tag: Tag, kind: Kind, before: dict[str, Any], after: dict[str, Any], comment: str
    ) -> None:
        self._seq = max(tag.at * _SECOND, self._seq + 1)
        after["tag"], after["commit"], after["email"] = tag.text, tag.commit, tag.email
        about = f"model:{tag.said.name}"
        self.events.append(
            Event(self._seq, tag.at * 1000, tag.tagger, "", kind, about, before, after, comment)
        )

    def _without_effect(self, tag: Tag, version: str, known: _Known) -> Skipped | None:
        said = tag.said
        action, commit = said.action, tag.commit
        if action is _REGISTER:
            place = known.commits.get(version, commit)
            if place != commit and not self._commits.ended(said.name, version, place):
                return Skipped(tag.ref, "elsewhere", f"{version} is registered at {place[:7]} already", _removal(tag))  # fmt: skip
        elif action is _DEREGISTER:
            if not self._commits.knows(tag):
                return Skipped(tag.ref, "elsewhere", f"{version} was never registered at {commit[:7]}", _removal(tag))  # fmt: skip
        elif action in _AT_VERSION:
            if not version:
                return Skipped(tag.ref, "unregistered", f"no version of {said.name!r} is registered at {commit[:7]}", f"register one there, or {_removal(tag)}")  # fmt: skip
            place = known.commits.get(version, commit)
            if place != commit:
                return Skipped(tag.ref, "elsewhere", f"{version} is registered at {place[:7]} since", _removal(tag))  # fmt: skip
        if known.deprecated and action in _ALIASES:
            return Skipped(tag.ref, "deprecated", f"{said.name!r} is deprecated, which GTO does not see an alias undo", "register or promote, then set it again")  # fmt: skip
        return None


def _removal(tag: Tag) -> str:
    return f"git tag -d '{tag.ref}'"


Facts = tuple[dict[str, Any], dict[str, Any]]
"""``before`` and ``after``."""


def _registered(tag: Tag, version: str, known: _Known) -> Facts:
    return {}, {"version": version, "semver": version}


def _deregistered(tag: Tag, version: str, known: _Known) -> Facts:
    moved = known.commits.get(version, tag.commit) != tag.commit
    return {"version": f"{version}@{tag.commit[:7]}" if moved else version}, {}


def _assigned(tag: Tag, version: str, known: _Known) -> Facts:
    stage = tag.said.what
    known.assigned[stage, tag.commit] = version
    return {}, {"stage": stage, "version": version}


def _unassigned(tag: Tag, version: str, known: _Known) -> Facts:
    stage = tag.said.what
    version = known.assigned.get((stage, tag.commit), version)
    return {"stage": stage, "version": version}, {"stage": stage}


def _alias(tag: Tag, version: str, known: _Known) -> Facts:
    alias = tag.said.what
    to = version if tag.said.action is Action.ALIAS else None
    before = {"alias": alias, "version": known.aliases.get(alias)}
    known.aliases[alias] = to
    return before, {"alias": alias, "version": to}


def _deprecated(tag: Tag, version: str, known: _Known) -> Facts:
    return {}, {}


_WORDS: Mapping[Action, Callable[[Tag, str, _Known], Facts]] = {
    Action.REGISTER: _registered,
    Action.DEREGISTER: _deregistered,
    Action.ASSIGN: _assigned,
    Action.UNASSIGN: _unassigned,
    Action.ALIAS: _alias,
    Action.UNALIAS: _alias,
    Action.DEPRECATE: _deprecated,
}
