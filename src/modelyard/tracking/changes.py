"""Which runs changed, for who looks on: by experiment, which is how they are indexed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from modelyard.stores.rows.engine import Database
from modelyard.tracking.heartbeats import look_for_lost
from modelyard.tracking.tables import runs


@dataclass(frozen=True, slots=True)
class Change:
    """A run as it was when somebody looked."""

    run_id: str
    experiment_id: int
    status: str
    changed_ms: int
    deleted: bool


def changed_runs(
    database: Database, experiments: Sequence[int], since_ms: int, limit: int
) -> list[Change]:
    """Runs of some experiments that changed at a moment or later, the earliest first."""
    if not experiments:
        return []
    look_for_lost(database)
    mine = (runs.c.experiment_id.in_(experiments), runs.c.changed_ms >= since_ms)
    query = select(
        runs.c.run_id, runs.c.experiment_id, runs.c.status, runs.c.changed_ms, runs.c.active
    )
    with database.read() as connection:
        rows = connection.execute(query.where(*mine).order_by(runs.c.changed_ms).limit(limit))
        return [
            Change(r.run_id, r.experiment_id, r.status, r.changed_ms, not r.active) for r in rows
        ]
