"""Who looks on sees the dead too, without reading a run (P9)."""

from __future__ import annotations

from pathlib import Path

from modelyard.stores.rows import connect
from modelyard.tracking.changes import changed_runs
from modelyard.tracking.sql import SqlTracker


def test_a_lost_run_is_a_changed_run(tmp_path: Path) -> None:
    with connect(tmp_path / "yard.db") as database:
        tracker = SqlTracker(database)
        run = tracker.create_run(0)
        tracker.beat([run.run_id], 1e-6)
        (change,) = changed_runs(database, [0], run.changed_ms, 10)
        assert (change.run_id, change.status) == (run.run_id, "LOST")
        assert change.changed_ms >= run.changed_ms
