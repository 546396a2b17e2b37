"""The audit trail: who did what, when, to which name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelyard.base.clock import from_rfc3339, to_rfc3339
from modelyard.base.events import Event
from modelyard.registry.trail import EventQuery, event_page
from modelyard.stores.rows.engine import Database
from modelyard.yard.frames import listing

if TYPE_CHECKING:
    import pandas

COLUMNS = ("seq", "at", "actor", "kind", "subject", "before", "after", "comment", "request_id")


class Audit:
    """``yard.audit``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(
        self,
        *,
        subject: str | None = None,
        kind: str | None = None,
        actor: str | None = None,
        since: str | None = None,
        records: bool = False,
    ) -> pandas.DataFrame | list[dict[str, Any]]:
        """All that happened, oldest first; ``subject`` is as in the listing (``model:churn``), ``since`` RFC 3339."""
        since_ms = from_rfc3339(since) if since else None
        query = EventQuery(subject=subject, kind=kind, actor=actor, since_ms=since_ms)
        return listing(self.page(query), COLUMNS, records=records)

    def page(self, query: EventQuery) -> list[dict[str, Any]]:
        """What a query selects, as rows."""
        return [audit_row(event) for event in event_page(self._database, query)]


def audit_row(event: Event) -> dict[str, Any]:
    """An event as the audit shows it."""
    return {
        "seq": event.seq,
        "at": to_rfc3339(event.at_ms),
        "actor": event.actor,
        "kind": str(event.kind),
        "subject": event.subject,
        "before": dict(event.before),
        "after": dict(event.after),
        "comment": event.comment,
        "request_id": event.request_id,
    }
