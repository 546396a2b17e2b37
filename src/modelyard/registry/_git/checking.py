"""What one ref means, for pipelines that run on a pushed tag. Where it means nothing, that is an error and never silence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from modelyard.base.errors import CheckFailed, NotFound, did_you_mean
from modelyard.base.events import Event
from modelyard.registry._git.history import to_events
from modelyard.registry._git.reading import Skipped, Tag, Tags
from modelyard.registry._git.tags import Action, parse

PREFIX = "refs/tags/"

FETCH = "git fetch --force origin 'refs/tags/*:refs/tags/*'"
"""All tags, those that a checkout changed too."""


def check_ref(there: Tags, ref: str) -> dict[str, Any]:
    """What a tag says, under GTO's keys: ``artifact``, ``created_at``, ``author``, ``author_email``, ``message``,
    ``commit_hexsha``, ``tag``, ``version``, ``stage`` where there is one, ``event``; ours: ``alias``.

    `NotFound` for a ref that is not there or is no registry's, `CheckFailed` for a tag that does not count.
    """
    name = ref.removeprefix(PREFIX)
    if name.startswith("refs/"):
        raise NotFound(f"{name} is no tag", hint=f"tags are {PREFIX}…, or their names alone")
    events, without_effect = to_events(there.tags)
    if name not in there.refs:
        raise NotFound(f"there is no tag {name!r}", hint=_missing(there, name))
    if parse(name) is None:
        raise NotFound(
            f"the tag {name!r} is none of a registry",
            hint="such are name@v1.2.0, name#stage and name@deprecated",
        )
    for bad in (*there.skipped, *without_effect):
        if bad.ref == name:
            raise CheckFailed(f"the tag {name!r} does not count: {bad.why}", hint=_repair(bad))
    tag = next(t for t in there.tags if t.oid == there.refs[name])
    event = next(e for e in events if e.after["tag"] == tag.text)
    return _described(tag, event)


def _described(tag: Tag, event: Event) -> dict[str, Any]:
    told: dict[str, Any] = {
        "artifact": tag.said.name,
        "created_at": _moment(tag),
        "author": tag.tagger,
        "author_email": tag.email,
        "message": tag.message,
        "commit_hexsha": tag.commit,
        "tag": tag.text,
    }
    values = {**event.before, **{k: v for k, v in event.after.items() if v is not None}}
    told |= {key: values[key] for key in ("version", "stage", "alias") if key in values}
    if (
        tag.said.action is Action.DEREGISTER
    ):  # the tag's word; the event may tell two versions of one number apart
        told["version"] = tag.said.what
    words = {Action.ALIAS: "alias", Action.UNALIAS: "unalias"}
    return {**told, "event": words.get(tag.said.action, str(tag.said.action))}


def _moment(tag: Tag) -> str:
    """With the tagger's own zone, as GTO prints it."""
    hours, minutes = int(tag.zone[:3]), int(tag.zone[0] + tag.zone[3:])
    zone = timezone(timedelta(hours=hours, minutes=minutes))
    return datetime.fromtimestamp(tag.at, zone).isoformat()


def _missing(there: Tags, name: str) -> str:
    known: Sequence[str] = [tag.ref for tag in there.tags]
    return did_you_mean(name, known) or f"it may not be fetched yet: {FETCH}"


def _repair(bad: Skipped) -> str:
    if bad.rule == "lightweight":
        return f"a checkout of CI turns the tag that it runs on so; fetch it again: git fetch --force origin '{PREFIX}{bad.ref}:{PREFIX}{bad.ref}'"  # fmt: skip
    if bad.rule == "unregistered":
        return f"is every tag here? {FETCH}"
    return bad.hint
