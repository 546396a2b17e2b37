"""What every backend does with a decision's drafts before it keeps them: who, when, and what became of the stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from modelyard.base.clock import now_ms
from modelyard.base.digests import canonical_json
from modelyard.base.errors import InvalidInput
from modelyard.base.events import Caller, Draft, Event, Kind, caller
from modelyard.registry.fold import apply
from modelyard.registry.interface import ModelState
from modelyard.registry.queries import require, stage_moves


def events_of(state: ModelState, drafts: Sequence[Draft]) -> list[Event]:
    """The drafts as events of the current caller, still without ``seq``.

    Each that changes who holds a stage says so in ``holders``, so that the audit needs no replay. Their time is
    never before the model's last event, whatever the clock did: history at a moment stays a prefix of the events.
    """
    who, at_ms = caller(), max(now_ms(), state.updated_ms)
    events: list[Event] = []
    for draft in drafts:
        check_draft(draft)
        event = _event(draft, who, at_ms, state.seq + 1)
        after = apply(state, event)
        if not (state.exists or after.exists):
            require(state)
        events.append(replace(_with_holders(event, state, after), seq=0))
        state = after
    return events


def check_draft(draft: Draft) -> None:
    """Refuse what not every database can keep, wherever it is kept."""
    try:
        canonical_json([dict(draft.before), dict(draft.after)])
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{draft.kind} holds what is not plain JSON: {error}") from None
    for text in (draft.comment, draft.after.get("description"), draft.after.get("commit")):
        if text and ("\0" in text or any("\ud800" <= c <= "\udfff" for c in text)):
            raise InvalidInput(f"{text[:40]!r} has a NUL character or is not valid Unicode")


def _event(draft: Draft, who: Caller, at_ms: int, seq: int) -> Event:
    return Event(
        seq=seq,
        at_ms=at_ms,
        actor=who.actor,
        request_id=who.request_id,
        kind=draft.kind,
        subject=draft.subject,
        before=draft.before,
        after=draft.after,
        comment=draft.comment,
    )


def _with_holders(event: Event, before: ModelState, after: ModelState) -> Event:
    moves = stage_moves(before, after)
    if not moves:
        return event
    return replace(
        event,
        before={**event.before, "holders": {stage: old for stage, (old, _) in moves.items()}},
        after={**event.after, "holders": {stage: new for stage, (_, new) in moves.items()}},
    )


def name_taken_by(draft: Draft | Event) -> str | None:
    """The name that a draft gives to its model, when it gives one."""
    if draft.kind is Kind.MODEL_CREATED:
        return draft.subject.partition(":")[2]
    if draft.kind is Kind.MODEL_RENAMED:
        return draft.after["name"]
    return None
