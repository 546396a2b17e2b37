"""Records to a yard's tracker, in batches: numbered in the source's own spool, so that each happens once, whoever is
killed when. What is refused is passed over alone and named; the rest goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from modelyard.base.errors import Conflict, ModelyardError, Overloaded, Unreachable
from modelyard.compat._mlflow.report import Report
from modelyard.tracking.interface import Batch, Metric, Tracker
from modelyard.tracking.records import (
    FileAdded,
    ModelBegun,
    ModelEnded,
    ModelRegistered,
    Record,
    RunLogged,
)

RECORDS, POINTS, CHARACTERS = 2_000, 50_000, 4_000_000
"""What goes at once."""
PART = 20_000
"""Points of one record."""


class Telling:
    """The records of one source."""

    def __init__(self, tracker: Tracker, key: str, report: Report) -> None:
        self._tracker, self._report = tracker, report
        self._spool = f"migrate-{hashlib.sha256(key.encode()).hexdigest()[:40]}"
        self._at = tracker.received(self._spool)
        self._held: list[Record] = []
        self._points = self._characters = 0

    def tell(self, records: Sequence[Record]) -> None:
        """Some more; those given at once go at once where they are not too many."""
        points, characters = _weight(records)
        full = len(self._held) + len(records) > RECORDS or self._points + points > POINTS
        if self._held and (full or self._characters + characters > CHARACTERS):
            self.flush()
        for record in records:
            if self._held and self._points > POINTS:
                self.flush()
            self._held.append(record)
            more, characters = _weight([record])
            self._points += more
            self._characters += characters

    def flush(self) -> None:
        """Everything told so far is there."""
        held, self._held, self._points, self._characters = self._held, [], 0, 0
        if held:
            self._send(held)

    def _send(self, records: Sequence[Record]) -> None:
        numbered = list(enumerate(records, self._at + 1))
        try:
            self._receive(numbered)
        except (Unreachable, Overloaded):
            raise
        except ModelyardError as error:
            if len(records) > 1:
                half = len(records) // 2
                self._send(records[:half])
                self._send(records[half:])
                return
            self._report.failed(_subject(records[0]), error.message)
            self._receive([(self._at + 1, None)])

    def _receive(self, numbered: Sequence[tuple[int, Record | None]]) -> None:
        last = numbered[-1][0]
        got = self._tracker.receive(self._spool, self._at, numbered)
        if got != last:
            raise Conflict(
                "another migration of the same source is under way",
                hint="run it again when that one has ended: it goes on from there",
            )
        self._at = last


def parts(points: Sequence[Metric], size: int = PART) -> list[Batch]:
    """Points of a run as batches that go one after another."""
    return [Batch(metrics=points[at : at + size]) for at in range(0, len(points), size)]


def _weight(records: Sequence[Record]) -> tuple[int, int]:
    points = characters = 0
    for record in records:
        if isinstance(record, RunLogged):
            batch = record.batch
            points += len(batch.metrics)
            texts = (*batch.params.values(), *batch.tags.values())
            inputs = (t for i in batch.inputs for t in (i.source, i.schema, i.profile))
            characters += sum(len(text or "") for text in texts) + sum(map(len, inputs))
    return points, characters


def _subject(record: Record) -> str:
    if isinstance(record, FileAdded):
        return f"{record.owner}: {record.path}"
    if isinstance(record, ModelBegun | ModelEnded | ModelRegistered):
        return f"model:{record.model_id}"
    return f"run:{record.run_id}"
