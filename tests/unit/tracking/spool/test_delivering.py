"""Telling a destination: what another sender told meanwhile is not told again, whatever was put together with it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from sqlalchemy import select

from modelyard.base.clock import new_id
from modelyard.stores.rows import connect
from modelyard.tracking import tables
from modelyard.tracking.delivering import Delivery
from modelyard.tracking.interface import Batch, Metric
from modelyard.tracking.records import ModelRegistered, Record, RunBegun, RunLogged, to_plain
from modelyard.tracking.spool.places import HEAD, Head, write_json
from modelyard.tracking.spool.writer import SpoolWriter
from modelyard.tracking.sql import SqlTracker


class Overtaken(SqlTracker):
    """Another machine, with a copy of the spool, is faster once."""

    told_before: Sequence[tuple[int, Record | None]] = ()

    def receive(self, spool: str, after: int, records: Sequence[tuple[int, Record | None]]) -> int:
        before, self.told_before = self.told_before, ()
        if before:
            super().receive(spool, after, before)
        return super().receive(spool, after, records)


class Here:
    """A destination without files and a registry."""

    def __init__(self, tracker: SqlTracker) -> None:
        self.tracker = tracker

    def put(self, stream: IO[bytes], sha256: str, size: int) -> None:
        raise AssertionError(sha256)

    def register(self, record: ModelRegistered) -> None:
        raise AssertionError(record)

    def close(self) -> None:
        pass


def test_points_that_another_sender_told_are_not_told_again(tmp_path: Path) -> None:
    run_id, folder = new_id(), tmp_path / "spool"
    folder.mkdir()
    begun = RunBegun(run_id)
    writer = SpoolWriter(folder, 64 << 20)
    writer.told(json.dumps(to_plain(begun)).encode())
    for step in range(9):
        writer.point(run_id, "loss", float(step), step, step)
    writer.close()
    head = Head("copied", 1, os.getpid(), "here", "ana")
    write_json(folder / HEAD, head)
    points = [Metric("loss", float(step), step, step) for step in range(4)]
    with connect(tmp_path / "yard.db") as database:
        tracker = Overtaken(database)
        tracker.told_before = [(1, begun), (5, RunLogged(run_id, Batch(metrics=points)))]
        delivery = Delivery(head, folder, patience=0)
        while delivery.step(Here(tracker), alive=False):
            pass
        with database.read() as connection:  # twins are left out where a history is read
            assert connection.scalars(select(tables.metrics.c.points)).all() == [9]
        assert [point.step for point in tracker.history(run_id, "loss").items] == list(range(9))
        assert tracker.received("copied") == 10
