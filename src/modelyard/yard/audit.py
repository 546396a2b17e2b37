"""The audit trail: who did what, when, to which name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelyard.base.clock import from_rfc3339, to_rfc3339
from modelyard.registry.sql import SqlRegistry
from modelyard.stores.rows.engine import Database
from modelyard.yard.frames import listing

if TYPE_CHECKING:
    import pandas

COLUMNS = ("seq", "at", "actor", "kind", "subject", "before", "after", "comment", "request_id")


class Audit:
    """``yard.audit``."""

    def __init__(self, database: Database) -> None:
        self._registry = SqlRegistry(database)

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
        after_ms = from_rfc3339(since) if since else 0
        rows = [
            {
                "seq": e.seq,
                "at": to_rfc3339(e.at_ms),
                "actor": e.actor,
                "kind": str(e.kind),
                "subject": e.subject,
                "before": dict(e.before),
                "after": dict(e.after),
                "comment": e.comment,
                "request_id": e.request_id,
            }
            for e in self._registry.events()
            if (subject is None or e.subject == subject)
            and (kind is None or e.kind == kind)
            and (actor is None or e.actor == actor)
            and e.at_ms >= after_ms
        ]
        return listing(rows, COLUMNS, records=records)
