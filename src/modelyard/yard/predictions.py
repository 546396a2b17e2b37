"""Logged predictions of a yard, as a table; outcomes told later; erasing for good."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from modelyard.base.clock import from_rfc3339
from modelyard.base.events import Draft, Kind
from modelyard.predictions.exporting import COLUMNS, export, row
from modelyard.predictions.interface import PredictionLog, PredictionQuery
from modelyard.predictions.sql import SqlPredictionLog, erase
from modelyard.registry.sql import append
from modelyard.stores.rows.engine import Database
from modelyard.yard.frames import listing

if TYPE_CHECKING:
    import pandas


class Predictions:
    """``yard.predictions``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.log: PredictionLog = SqlPredictionLog(database)

    def list(
        self,
        *,
        model: str | None = None,
        since: str | int | None = None,
        until: str | int | None = None,
        reference_id: str | None = None,
        request_id: str | None = None,
        before_id: int | None = None,
        limit: int | None = 1000,
        records: bool = False,
    ) -> pandas.DataFrame | list[dict[str, Any]]:
        """One row a record, newest first. ``model`` is a name or ``name@version``; times RFC 3339 or milliseconds.
        ``before_id`` is the last one of the page before."""
        query = query_of(model, since, until, reference_id, request_id, limit, before_id)
        return listing([row(p) for p in self.log.list(query)], COLUMNS, records=records)

    def count(self, **which: Any) -> int:
        """How many there are; the same arguments as `list`."""
        return self.log.count(query_of(**{**_ALL, **which}))

    def export(self, path: str | Path, **which: Any) -> int:
        """Write what `list` would show with the same arguments to a ``.jsonl`` or ``.csv`` file; returns how many."""
        return export(self.log, query_of(**{**_ALL, **which}), Path(path))

    def feedback(self, reference_id: str, actual: Any) -> int:
        """Tell what turned out to be true for a reference; returns how many predictions it concerns."""
        return self.log.feedback(reference_id, actual)

    def erase(self, **which: Any) -> int:
        """Erase for good what `list` would show with the same arguments; returns how many went.

        The audit keeps that it happened, of which model and how many; not whose they were.
        """
        query = query_of(**{**_ALL, **which})

        def change(connection: Connection) -> int:
            count = erase(connection, query)
            subject = f"predictions:{query.model or '*'}"
            append(connection, [Draft(Kind.PREDICTIONS_ERASED, subject, after={"count": count})])
            return count

        count = self._database.transact(change)
        self._database.checkpoint()  # until then SQLite's log still has them
        return count


_ALL: dict[str, Any] = dict.fromkeys(
    ("model", "since", "until", "reference_id", "request_id", "limit")
)


def query_of(
    model: str | None,
    since: str | int | None,
    until: str | int | None,
    reference_id: str | None,
    request_id: str | None,
    limit: int | None,
    before_id: int | None = None,
) -> PredictionQuery:
    """The arguments of a listing as a query."""
    return PredictionQuery(
        model=model,
        since_ms=_moment(since),
        until_ms=_moment(until),
        reference_id=reference_id,
        request_id=request_id,
        before_id=before_id,
        limit=limit,
    )


def _moment(when: str | int | None) -> int | None:
    return from_rfc3339(when) if isinstance(when, str) else when
