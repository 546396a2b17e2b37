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
from collections.abc import Iterable, Sequence
from typing import Any

from modelyard.base.events import Event, Kind
from modelyard.registry._git.messages import take_apart
from modelyard.registry._git.reading import Skipped, Tag
from modelyard.registry._git.tags import Action
from modelyard.registry.decisions import subject

_SECOND = 1_000_000

_ORDER = {action: place for place, action in enumerate(Action)}
_BY_VERSION = (Action.REGISTER, Action.DEREGISTER)
_AT_VERSION = (Action.ASSIGN, Action.UNASSIGN, Action.ALIAS)

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
        self.of_version: dict[tuple[str, str], str] = {}
        """Name and version -> the commit at which it was registered first."""
        self._at: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self._since: dict[tuple[str, str], list[int]] = {}
        self._rank: dict[tuple[str, str], tuple[int, int]] = {}
        by_version = (tag for tag in tags if tag.said.action in _BY_VERSION)
        for place, tag in enumerate(sorted(by_version, key=lambda tag: (tag.at, tag.ref))):
            self._add(tag, place)

    def _add(self, tag: Tag, place: int) -> None:
        key = tag.said.name, tag.said.what
        _, first = self._rank.get(key, (0, place))
        self._rank[key] = (0, first)
        if tag.said.action is Action.DEREGISTER:
            return
        if key not in self.of_version:
            self.of_version[key] = tag.commit
            self._at[tag.said.name, tag.commit].append(tag.said.what)
        if self.of_version[key] == tag.commit:
            self._since.setdefault(key, []).append(tag.at)
            self._rank[key] = (tag.at, first)

    def rank(self, name: str, version: str) -> tuple[int, int]:
        """When it was registered last, and its place among all; of assignments of one second the lowest holds."""
        return self._rank.get((name, version), (0, 0))

    def version(self, tag: Tag) -> str:
        """The version that a tag is about; empty for one at a commit where none is registered."""
        if tag.said.action in _BY_VERSION:
            return tag.said.what
        there = self._at.get((tag.said.name, tag.commit), ())
        if len(there) < 2:
            return there[0] if there else ""
        known = [v for v in there if self._since[tag.said.name, v][0] <= tag.at]
        return (known or there)[-1]

    def shared(self) -> list[tuple[str, str, Sequence[str]]]:
        """Name, commit and versions, where there are several."""
        return [(name, at, there) for (name, at), there in self._at.items() if len(there) > 1]


def to_events(tags: Sequence[Tag]) -> tuple[list[Event], list[Skipped]]:
    """All events of the tags in order, and the tags that have no effect."""
    commits = Commits(tags)
    events: list[Event] = []
    skipped: list[Skipped] = []
    states: dict[str, _Words] = {}
    second, place = 0, 0
    for tag in sorted(tags, key=lambda tag: _when(tag, commits)):
        words = states.get(tag.said.name) or states.setdefault(tag.said.name, _Words())
        version = commits.version(tag)
        why = _without_effect(tag, version, commits, words)
        if why is not None:
            skipped.append(why)
            continue
        place = place + 1 if tag.at == second else 0
        second = tag.at
        events.append(_event(tag, version, words, second * _SECOND + place))
    return events, skipped


class _Words:
    """What is known of a model while its tags are gone through."""

    __slots__ = ("aliases", "assigned", "deprecated")

    def __init__(self) -> None:
        self.aliases: dict[str, str] = {}
        self.assigned: dict[tuple[str, str], str] = {}
        """Stage and commit -> the version there that was assigned last."""
        self.deprecated = False


def _when(tag: Tag, commits: Commits) -> tuple[Any, ...]:
    order = _ORDER[tag.said.action]
    if tag.said.action is not Action.ASSIGN:
        return tag.at, order, 0, 0, tag.ref
    last, first = commits.rank(tag.said.name, commits.version(tag))
    return tag.at, order, -last, -first, tag.ref


def _without_effect(tag: Tag, version: str, commits: Commits, words: _Words) -> Skipped | None:
    said = tag.said
    if said.action in _BY_VERSION:
        place = commits.of_version.get((said.name, said.what), tag.commit)
        if place == tag.commit:
            return None
        what = "registered" if said.action is Action.REGISTER else "deregistered"
        return Skipped(tag.ref, "elsewhere", f"{what} at {tag.commit[:7]}, but {said.what} is at {place[:7]}", f"git tag -d '{tag.ref}'")  # fmt: skip
    if not version and said.action in _AT_VERSION:
        return Skipped(tag.ref, "unregistered", f"no version of {said.name!r} is registered at {tag.commit[:7]}", f"register one there, or git tag -d '{tag.ref}'")  # fmt: skip
    if words.deprecated and said.action in (Action.ALIAS, Action.UNALIAS):
        return Skipped(tag.ref, "deprecated", f"{said.name!r} is deprecated, which GTO does not see an alias undo", "register or promote, then set it again")  # fmt: skip
    return None


def _event(tag: Tag, version: str, words: _Words, seq: int) -> Event:
    said = tag.said
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    message = take_apart(tag.message, said, version)
    match said.action:
        case Action.REGISTER:
            after = {"version": version, "semver": version}
            after |= {"digest": message.digest, "facts": message.facts}
        case Action.DEREGISTER:
            before = {"version": version}
        case Action.ASSIGN:
            after = {"stage": said.what, "version": version}
            words.assigned[said.what, tag.commit] = version
        case Action.UNASSIGN:
            version = words.assigned.get((said.what, tag.commit), version)
            before, after = {"stage": said.what, "version": version}, {"stage": said.what}
        case Action.ALIAS | Action.UNALIAS:
            to = version if said.action is Action.ALIAS else None
            before = {"alias": said.what, "version": words.aliases.get(said.what) or None}
            after = {"alias": said.what, "version": to}
            words.aliases[said.what] = to or ""
        case Action.DEPRECATE | Action.CREATE:
            pass
    words.deprecated = said.action is Action.DEPRECATE
    return Event(
        seq=seq,
        at_ms=tag.at * 1000,
        actor=tag.tagger,
        request_id="",
        kind=_KINDS[said.action],
        subject=subject(said.name),
        before=before,
        after={**after, "tag": tag.text, "commit": tag.commit, "email": tag.email},
        comment=message.comment,
    )
