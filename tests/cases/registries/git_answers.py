"""What our reading of tags answers, in the words in which GTO is asked for the same."""

from __future__ import annotations

import json
from typing import Any

from modelyard.base.events import Event, Kind
from modelyard.registry import queries
from modelyard.registry._git.history import by_model, states_of, to_events
from modelyard.registry._git.reading import Tag, Tags
from modelyard.registry.interface import ModelState

Answers = dict[str, Any]


def names_of(there: Tags) -> list[str]:
    """The models that GTO sees: it passes over aliases."""
    return sorted({t.said.name for t in there.tags if not str(t.said.action).startswith("alias")})


def assert_same(ours: Answers, theirs: Answers, where: str) -> None:
    """The same answers; of events of one second and kind, GTO's order is by chance."""
    for key in ("show", "deprecated", "versions"):
        assert ours[key] == theirs[key], (where, key)
    assert _by_time(ours["history"]) == _by_time(theirs["history"]), where


def _by_time(history: list[Answers]) -> list[str]:
    order = [(event["at"], event["priority"]) for event in history]
    assert order == sorted(order, reverse=True)
    return sorted(json.dumps(event, sort_keys=True) for event in history)


def we_say(there: Tags, names: list[str]) -> Answers:
    """The state by us: the table, each model with its versions, the journal."""
    events, _ = to_events(there.tags)
    of, found = by_model(events), states_of(events)
    states = found.values()
    by_text = {tag.text: tag for tag in there.tags}
    columns = sorted({stage for state in states for stage in queries.holders(state)})
    rows = {state.name: _row(state, columns) for state in states}
    return {
        "show": {name: row for name, row in rows.items() if row["active"]},
        "deprecated": rows,
        "versions": {name: _versions(found[name], of[name], by_text) for name in names},
        "history": sorted(
            [_event(event, by_text) for event in events if event.kind in _PRIORITY],
            key=lambda e: (e["at"], e["priority"]),
            reverse=True,
        ),
    }


def _row(state: ModelState, columns: list[str]) -> Answers:
    latest, held = queries.latest(state), queries.holders(state)
    return {
        "version": latest.label if latest else None,
        "stage": {stage: held.get(stage) for stage in columns},
        "registered": True,
        "active": not state.deprecated,
    }


def _versions(state: ModelState, events: list[Event], by_text: dict[str, Tag]) -> list[Answers]:
    if state.deprecated:
        return []
    tags = {event.seq: by_text[event.after["tag"]] for event in events}
    active = sorted(queries.active(state), key=lambda v: queries._rank(v), reverse=True)
    return [
        {
            "version": version.label,
            "commit_hexsha": version.commit,
            "is_active": True,
            "author": version.actor,
            "author_email": tags[version.seq].email,
            "message": tags[version.seq].message,
            "ref": tags[version.seq].text,
            "at": version.at_ms // 1000,
            "stages": [
                {"stage": stage, "ref": tags[a.seq].text, "at": a.at_ms // 1000, "author": a.actor}
                for stage, a in sorted(queries.held(state).items())
                if a.version == version.label
            ],
        }
        for version in active
    ]


_PRIORITY = {
    Kind.MODEL_DEPRECATED: (2, "deprecation"),
    Kind.VERSION_REGISTERED: (3, "registration"),
    Kind.VERSION_DEREGISTERED: (4, "deregistration"),
    Kind.STAGE_ASSIGNED: (5, "assignment"),
    Kind.STAGE_UNASSIGNED: (6, "unassignment"),
}


def _event(event: Event, by_text: dict[str, Tag]) -> Answers:
    priority, word = _PRIORITY[event.kind]
    values = {**event.before, **event.after}
    tag = by_text[event.after["tag"]]
    return {
        "at": event.at_ms // 1000,
        "priority": priority,
        "artifact": event.subject.partition(":")[2],
        "event": word,
        "version": values["version"].partition("@")[0] if "version" in values else None,
        "stage": values.get("stage"),
        "commit": tag.commit,
        "author": event.actor,
        "author_email": tag.email,
        "message": tag.message,
        "ref": tag.text,
    }
