"""The trail of events, read by what they say, a page at a time. Only its own rows are read, whatever else happened."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from modelyard.base.events import Event
from modelyard.registry.sql import event_of, model_row_id
from modelyard.registry.tables import events
from modelyard.stores.rows.engine import Database


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events: all that is given must hold. By ``seq``, upwards from ``after`` or downwards from ``before``."""

    subject: str | None = None
    model: str | None = None
    """All of a model, back through its renames."""
    kind: str | None = None
    actor: str | None = None
    request_id: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    after: int | None = None
    before: int | None = None
    newest_first: bool = False
    limit: int | None = None


def event_page(database: Database, query: EventQuery) -> Sequence[Event]:
    """The events of a page."""
    order = events.c.seq.desc() if query.newest_first else events.c.seq
    asked = select(events).order_by(order)
    for column in ("subject", "kind", "actor", "request_id"):
        if (value := getattr(query, column)) is not None:
            asked = asked.where(events.c[column] == value)
    if query.since_ms is not None:
        asked = asked.where(events.c.at_ms >= query.since_ms)
    if query.until_ms is not None:
        asked = asked.where(events.c.at_ms < query.until_ms)
    if query.after is not None:
        asked = asked.where(events.c.seq > query.after)
    if query.before is not None:
        asked = asked.where(events.c.seq < query.before)
    if query.limit is not None:
        asked = asked.limit(query.limit)
    with database.read() as connection:
        if query.model is not None:
            row_id = model_row_id(connection, unicodedata.normalize("NFC", query.model))
            if row_id is None:
                return []
            asked = asked.where(events.c.subject_id == row_id, events.c.subject.like("model:%"))
        return [event_of(row) for row in connection.execute(asked)]


def last_seq(database: Database) -> int:
    """The number of the newest event; 0 when there is none."""
    with database.read() as connection:
        return connection.scalar(select(func.max(events.c.seq))) or 0
