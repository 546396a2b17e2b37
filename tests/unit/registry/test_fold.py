"""The fold against the rules of the two systems it has to represent, each rule as events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from modelyard.base.events import Event, Kind
from modelyard.registry import queries
from modelyard.registry.fold import apply, fold
from modelyard.registry.interface import ModelState


def events(*lines: str) -> list[Event]:
    """``"register v1.0.0"``, ``"assign v1.0.0 prod"``, ``"alias 2 best"`` … one millisecond apart."""
    return [_event(number, line.split()) for number, line in enumerate(lines, 1)]


def _event(number: int, words: list[str]) -> Event:
    kind, both = _WORDS[words[0]]
    keys = ("version", "alias") if words[0] in ("alias", "unalias") else ("version", "stage")
    facts: Mapping[str, str] = dict(zip(keys, words[1:], strict=False))
    if words[0] in ("rename", "describe"):
        facts = {"name": words[1], "description": words[1]}
    before = {**facts} if both else {}
    return Event(number, 1000 + number, "ana", "", kind, "model:m", before, facts)


_WORDS = {
    "create": (Kind.MODEL_CREATED, False),
    "register": (Kind.VERSION_REGISTERED, False),
    "deregister": (Kind.VERSION_DEREGISTERED, True),
    "delete": (Kind.VERSION_DELETED, True),
    "assign": (Kind.STAGE_ASSIGNED, False),
    "unassign": (Kind.STAGE_UNASSIGNED, True),
    "alias": (Kind.ALIAS_MOVED, False),
    "unalias": (Kind.ALIAS_REMOVED, True),
    "deprecate": (Kind.MODEL_DEPRECATED, False),
    "describe": (Kind.MODEL_DESCRIBED, False),
    "rename": (Kind.MODEL_RENAMED, False),
    "delete-model": (Kind.MODEL_DELETED, False),
    "download": (Kind.MODEL_DOWNLOADED, False),
}


@dataclass(frozen=True)
class Rule:
    """A history and what is true after it."""

    what: str
    history: tuple[str, ...]
    latest: str | None = None
    held: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    active: tuple[str, ...] | None = None
    deprecated: bool = False
    counter: int = 0


V1, V2 = "v0.0.1", "v0.0.2"
TWO = (f"register {V1}", f"register {V2}")
PROD = (*TWO, f"assign {V1} prod", f"assign {V2} prod")

TAGS = [
    Rule("a version is active when its last registration is later than its deregistration",
         (*TWO, f"deregister {V2}"), latest=V1, active=(V1,)),
    Rule("a version is registered again", (*TWO, f"deregister {V2}", f"register {V2}"),
         latest=V2, active=(V1, V2)),
    Rule("a deregistration without a registration registers nothing",
         (f"deregister {V1}",), latest=None, active=()),
    Rule("latest is the highest SemVer, not the newest",
         ("register v1.0.0", "register v0.9.0"), latest="v1.0.0"),
    Rule("a pre-release is below its release", ("register v1.0.0", "register v1.0.0-rc.1"), latest="v1.0.0"),
    Rule("a lone pre-release is the latest", ("register v1.0.0-rc.1",), latest="v1.0.0-rc.1"),
    Rule("pre-releases count", ("register v1.0.0-rc.9", "register v1.0.0-rc.10"), latest="v1.0.0-rc.10"),
    Rule("a pre-release of a higher version is the latest",
         ("register v1.0.0", "register v1.1.0-alpha"), latest="v1.1.0-alpha"),
    Rule("the newest assignment holds", PROD, latest=V2, held={"prod": V2}),
    Rule("the newest assignment holds, not the highest version",
         (*TWO, f"assign {V2} prod", f"assign {V1} prod"), latest=V2, held={"prod": V1}),
    Rule("nothing is exclusive: unassigned, the one before comes back",
         (*PROD, f"unassign {V2} prod"), latest=V2, held={"prod": V1}),
    Rule("taken from underneath, the holder stays", (*PROD, f"unassign {V1} prod"),
         latest=V2, held={"prod": V2}),
    Rule("deregistered, the one before comes back", (*PROD, f"deregister {V2}"),
         latest=V1, held={"prod": V1}),
    Rule("registered again, its assignment counts again",
         (*PROD, f"deregister {V2}", f"register {V2}"), latest=V2, held={"prod": V2}),
    Rule("assigned to a deregistered version: no effect",
         (*TWO, f"deregister {V2}", f"assign {V2} prod"), latest=V1, held={}),
    Rule("and an effect when it is registered again",
         (*TWO, f"deregister {V2}", f"assign {V2} prod", f"register {V2}"), latest=V2, held={"prod": V2}),
    Rule("assigned before it was registered at that commit: it counts from then on",
         (f"assign {V1} prod", f"register {V1}"), latest=V1, held={"prod": V1}),
    Rule("assigned again, it is on top again",
         (*PROD, f"assign {V1} prod"), latest=V2, held={"prod": V1}),
    Rule("one unassignment undoes all assignments of that version",
         (*PROD, f"assign {V2} prod", f"unassign {V2} prod"), latest=V2, held={"prod": V1}),
    Rule("unassigned and assigned again", (*PROD, f"unassign {V2} prod", f"assign {V2} prod"),
         latest=V2, held={"prod": V2}),
    Rule("a version holds several stages", (*TWO, f"assign {V1} prod", f"assign {V1} dev"),
         latest=V2, held={"prod": V1, "dev": V1}),
    Rule("unassigned in one stage, still in the other",
         (*TWO, f"assign {V1} prod", f"assign {V1} dev", f"unassign {V1} prod"), latest=V2, held={"dev": V1}),
    Rule("deprecated, everything else stays", (*PROD, "deprecate"), latest=V2, held={"prod": V2},
         deprecated=True),
    *(Rule(f"deprecation is undone by: {line}", (*TWO, f"assign {V1} prod", "deprecate", line),
           latest=latest, held=held)
      for line, latest, held in [
          ("register v0.0.3", "v0.0.3", {"prod": V1}),
          (f"deregister {V2}", V1, {"prod": V1}),
          (f"assign {V2} dev", V2, {"prod": V1, "dev": V2}),
          (f"unassign {V1} prod", V2, {}),
          ("create m", V2, {"prod": V1})]),
    *(Rule(f"deprecation is not undone by: {line}", (*TWO, "deprecate", line), latest=V2, deprecated=True)
      for line in ("describe words", "rename n", "download m")),
    Rule("a model may be deprecated before it has a version", ("deprecate",), deprecated=True, active=()),
]  # fmt: skip

NUMBERS = [
    Rule("versions count from 1; latest is the highest", ("create m", "register 1", "register 2"),
         latest="2", counter=2),
    Rule("ten is above nine", ("register 9", "register 10"), latest="10", counter=10),
    Rule("a deleted version is gone and its number stays used",
         ("register 1", "register 2", "delete 2"), latest="1", counter=2, active=("1",)),
    Rule("with its stages and aliases",
         ("register 1", "register 2", "assign 1 prod", "assign 2 prod", "alias 2 best", "alias 1 old", "delete 2"),
         latest="1", counter=2, held={"prod": "1"}, aliases={"old": "1"}),
    Rule("a transition replaces the stage of a version",
         ("register 1", "assign 1 Staging", "unassign 1 Staging", "assign 1 Production"),
         latest="1", counter=1, held={"Production": "1"}),
    Rule("an alias points to one version", ("register 1", "register 2", "alias 1 best", "alias 2 best"),
         latest="2", counter=2, aliases={"best": "2"}),
    Rule("a version has several aliases", ("register 1", "alias 1 a", "alias 1 b"),
         latest="1", counter=1, aliases={"a": "1", "b": "1"}),
    Rule("an alias is removed", ("register 1", "alias 1 a", "unalias 1 a"), latest="1", counter=1),
    Rule("renamed, everything goes with it",
         ("register 1", "assign 1 prod", "alias 1 a", "rename n"),
         latest="1", counter=1, held={"prod": "1"}, aliases={"a": "1"}),
    Rule("a deleted model leaves nothing; its successor begins at 1",
         ("register 1", "register 2", "assign 2 prod", "alias 2 a", "delete-model m", "create m", "register 1"),
         latest="1", counter=1, active=("1",)),
    Rule("a model without versions is there", ("create m",), active=()),
]  # fmt: skip


@pytest.mark.parametrize("rule", TAGS + NUMBERS, ids=lambda rule: rule.what)
def test_rule(rule: Rule) -> None:
    state = fold(events(*rule.history))
    latest = queries.latest(state)
    assert state.exists
    assert (latest.label if latest else None) == rule.latest
    assert queries.holders(state) == rule.held
    assert state.aliases == rule.aliases
    assert state.deprecated == rule.deprecated
    assert state.counter == rule.counter
    if rule.active is not None:
        assert tuple(v.label for v in queries.active(state)) == rule.active


def test_all_versions_in_a_stage_the_holder_last() -> None:
    state = fold(
        events("register 1", "register 2", "register 3", "assign 3 S", "assign 1 S", "deregister 2")
    )
    assert [v.label for v in queries.members(state, "S")] == ["3", "1"]
    highest = queries.highest(queries.members(state, "S"))
    assert highest is not None
    assert highest.label == "3"


def test_a_deleted_model_is_as_if_it_had_never_been() -> None:
    assert fold(events("register 1", "rename n", "delete-model n")) == ModelState("n")


def test_registered_again_is_registered_last() -> None:
    state = fold(events("register 1", "register 2", "deregister 1", "register 1"))
    assert list(state.versions) == ["2", "1"]
    newest, latest = queries.newest(state), queries.latest(state)
    assert newest is not None
    assert latest is not None
    assert (newest.label, latest.label) == ("1", "2")


def test_what_changes_nothing_gives_the_same_state() -> None:
    state = fold(events("register 1"))
    download, data = (
        _event(9, ["download", "m"]),
        Event(9, 9, "", "", Kind.DATASET_REGISTERED, "dataset:m", {}, {}),
    )
    assert apply(state, download) is state
    assert apply(state, data) is state


def test_untouched_versions_are_the_same_objects() -> None:
    first = fold(events("register 1", "register 2"))
    second = apply(first, _event(3, ["assign", "2", "prod"]))
    assert second.versions["1"] is first.versions["1"]
    assert first.assignments == ()


def test_when_things_happened() -> None:
    state = fold(events("create m", "register 1", "register 2", "assign 1 prod", "describe words"))
    assert (state.created_ms, state.seq, state.updated_ms) == (1001, 5, 1005)
    assert (state.versions["1"].at_ms, state.versions["1"].updated_ms) == (1002, 1004)
    assert queries.held(state)["prod"].at_ms == 1004


def test_what_a_stage_stood_for_at_a_moment() -> None:
    history = events(*PROD, f"unassign {V2} prod", f"unassign {V1} prod")

    def at(at_ms: int) -> str | None:
        version = queries.holder_at(history, "prod", at_ms)
        return version.label if version else None

    assert [at(ms) for ms in range(1001, 1008)] == [None, None, V1, V2, V1, None, None]


def test_of_one_millisecond_the_last_event_counts() -> None:
    at_once = [
        Event(e.seq, 5, e.actor, "", e.kind, e.subject, e.before, e.after) for e in events(*PROD)
    ]
    version = queries.holder_at(at_once, "prod", 5)
    assert version is not None
    assert version.label == V2
    assert queries.holder_at(at_once, "prod", 4) is None
