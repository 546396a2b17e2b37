"""What in a registry of tags breaks GTO, misleads it, or is read otherwise by other tools; and how to mend it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from modelyard.registry import queries
from modelyard.registry._git.history import Commits, states_of, to_events
from modelyard.registry._git.reading import Skipped, Tag, Tags
from modelyard.registry._git.tags import Action
from modelyard.registry.interface import ModelState

_CUT = 7
"""At how many characters GTO's table cuts a version."""

_COUNTED = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """One rule looked at: ``ok`` is None for what is neither good nor bad."""

    ok: bool | None
    what: str
    found: str
    hint: str = ""


def examine(there: Tags) -> list[Problem]:
    """A line for each rule that something breaks; a good line when nothing does."""
    events, without_effect = to_events(there.tags)
    states = states_of(events)
    found = [
        *_skipped([*there.skipped, *without_effect]),
        *_renamed(there.tags),
        *_ties(there.tags),
        *_shared(there.tags),
        *_in_vain(states),
        *_counters(there.tags),
        *_cut(states),
        *_elsewhere_read(there.tags, states),
    ]
    bad = [problem for problem in found if problem.ok is False]
    count = f"{_many(len(there.tags), 'tag')} of {_many(len(states), 'model')}"
    return [Problem(True, "registry tags", f"{count}, all sound")] * (not bad) + found


_SAID = {
    "lightweight": ("lightweight tags", "are passed over, yet block their names"),
    "tagger": ("tags without tagger", "make every command of GTO fail"),
    "date": ("tags of no time", "make commands of GTO fail"),
    "target": ("tags at no commit", "make every command of GTO fail"),
    "inside": ("tags named otherwise inside", "make every command of GTO fail"),
    "created": ("tags name@created", "make every command of GTO fail"),
    "elsewhere": ("versions at a second commit", "are two versions of one name for GTO"),
    "unregistered": ("stages of nothing", "are at commits without a version"),
    "deprecated": ("aliases of deprecated models", "are passed over: GTO does not see them"),
}


def _skipped(skipped: Sequence[Skipped]) -> Iterator[Problem]:
    by_rule: defaultdict[str, list[Skipped]] = defaultdict(list)
    for bad in skipped:
        by_rule[bad.rule].append(bad)
    for rule, several in by_rule.items():
        what, means = _SAID[rule]
        yield Problem(False, what, f"{_listed([bad.ref for bad in several])} {means}", several[0].hint)  # fmt: skip


def _renamed(tags: Sequence[Tag]) -> Iterator[Problem]:
    for tag in tags:
        if tag.text != tag.ref:
            yield Problem(False, "renamed tag", f"{tag.ref} is {tag.text} inside, and read as that", f"git update-ref -d 'refs/tags/{tag.ref}'")  # fmt: skip


def _ties(tags: Sequence[Tag]) -> Iterator[Problem]:
    moments = Counter((tag.said.name, tag.at) for tag in tags if tag.said.action not in _ALIASES)
    tied = [name for (name, _), count in moments.items() if count > 1]
    if tied:
        yield Problem(None, "tags of one second", f"{_listed(sorted(set(tied)))}: of such, a removal wins and the version registered first holds a stage", "make tags one by one; modelyard keeps them a second apart")  # fmt: skip


_ALIASES = (Action.ALIAS, Action.UNALIAS)


def _shared(tags: Sequence[Tag]) -> Iterator[Problem]:
    for name, commit, versions in Commits(tags).shared():
        yield Problem(False, "versions at one commit", f"{name}: {', '.join(versions)} at {commit[:7]}; GTO dies of a stage there", f"git tag -d '{name.replace(':', '=')}@{versions[0]}', or register it at another commit")  # fmt: skip


def _in_vain(states: dict[str, ModelState]) -> Iterator[Problem]:
    for name, state in states.items():
        there = state.versions
        out = {a.version for a in state.assignments if a.version in there and not there[a.version].active}  # fmt: skip
        if out:
            yield Problem(None, "stages in vain", f"{name}: {_listed(sorted(out))} is deregistered, and its stages are without effect", f"modelyard demote {name}@VERSION --stage STAGE, or register it again")  # fmt: skip


def _counters(tags: Sequence[Tag]) -> Iterator[Problem]:
    given = Counter((tag.said.name, tag.said.counter) for tag in tags if tag.said.counter)
    twice = sorted({name for (name, _), count in given.items() if count > 1})
    if twice:
        yield Problem(None, "counters given twice", f"{_listed(twice)}: two people tagged at once; order is by time, so that nothing is wrong")  # fmt: skip


def _cut(states: dict[str, ModelState]) -> Iterator[Problem]:
    long = {v.label for s in states.values() for v in queries.active(s) if len(v.label) > _CUT}
    if long:
        yield Problem(None, "long versions", f"{_listed(sorted(long))}: the table of gto show cuts them to {_CUT} characters", "gto show --json, or modelyard show")  # fmt: skip


def _elsewhere_read(tags: Sequence[Tag], states: dict[str, ModelState]) -> Iterator[Problem]:
    """``dvc artifacts get --stage`` takes the newest tag that names a stage, whatever it says of it."""
    newest: dict[tuple[str, str], Tag] = {}
    for tag in tags:
        if tag.said.action in (Action.ASSIGN, Action.UNASSIGN):
            key = tag.said.name, tag.said.what
            newest[key] = max(tag, newest.get(key, tag), key=lambda tag: tag.at)
    commits = Commits(tags)
    for (name, stage), tag in sorted(newest.items()):
        held = queries.holder(states[name], stage) if name in states else None
        if commits.version(tag) != (held.label if held else None):
            yield Problem(None, "read otherwise", f"dvc artifacts get {name} --stage {stage} gives {commits.version(tag) or 'an error'}, but {held.label if held else 'nothing'} is in it", "dvc does not know of unassignments")  # fmt: skip


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _listed(words: Sequence[str]) -> str:
    more = f" and {len(words) - _COUNTED} more" if len(words) > _COUNTED else ""
    return f"{', '.join(words[:_COUNTED])}{more}"
