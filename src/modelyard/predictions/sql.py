"""The prediction log of a yard: on SQLite, PostgreSQL and MariaDB/MySQL."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, or_, select, update

from modelyard.base.errors import InvalidInput
from modelyard.predictions.inserting import prepare
from modelyard.predictions.interface import Prediction, PredictionQuery
from modelyard.predictions.selection import (
    gone,
    join_model,
    refuse_everything,
    refuse_no_reference,
    split_model,
)
from modelyard.predictions.tables import predictions as table
from modelyard.stores.rows.engine import Database, connect

ROWS_A_PAGE = 1000


class SqlPredictionLog:
    """The log in a database opened by `modelyard.stores.rows.connect`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process opens the database by itself.
        address = self._database.address
        if address.temporary:
            raise InvalidInput("a database of the moment is in this process alone")
        return _opened, (address.url or str(address.path),)

    def record(self, predictions: Sequence[Prediction]) -> None:
        if predictions:
            statement, rows = prepare(self._database.engine.dialect, predictions)
            self._database.transact(lambda c: c.exec_driver_sql(statement, rows))

    def list(self, query: PredictionQuery) -> Iterator[Prediction]:
        left = math.inf if query.limit is None else query.limit
        listing = newest_first(query)
        last = self._place(query.before_id) if query.before_id is not None else None
        while left > 0:
            size = int(min(left, ROWS_A_PAGE))
            page = listing.limit(size)
            with self._database.read() as connection:
                found = connection.execute(page.where(older(*last)) if last else page).all()
            yield from map(_prediction, found)
            if len(found) < size:
                return
            left -= size
            last = found[-1].at_ms, found[-1].id

    def _place(self, prediction_id: int) -> tuple[int, int]:
        query = select(table.c.at_ms).where(table.c.id == prediction_id)
        with self._database.read() as connection:
            at_ms = connection.scalar(query)
        if at_ms is None:
            raise gone(prediction_id)
        return at_ms, prediction_id

    def count(self, query: PredictionQuery) -> int:
        with self._database.read() as connection:
            return connection.scalar(selected(select(func.count()).select_from(table), query)) or 0

    def feedback(self, reference_id: str, actual: Any) -> int:
        refuse_no_reference(reference_id)
        told = update(table).where(table.c.reference_id == reference_id).values(actual=actual)
        return self._database.transact(lambda c: c.execute(told).rowcount)

    def erase(self, query: PredictionQuery) -> int:
        erased = self._database.transact(lambda connection: erase(connection, query))
        self._database.checkpoint()  # until then SQLite's log still has them
        return erased


def _opened(uri: str) -> SqlPredictionLog:
    return SqlPredictionLog(connect(uri))


def selected(statement: Any, query: PredictionQuery) -> Any:
    """The statement with a query's conditions; paging aside."""
    conditions = []
    if query.model is not None:
        name, version = split_model(query.model)
        conditions.append(table.c.name == name)
        conditions += [table.c.version == version] if version else []
    if query.since_ms is not None:
        conditions.append(table.c.at_ms >= query.since_ms)
    if query.until_ms is not None:
        conditions.append(table.c.at_ms < query.until_ms)
    if query.reference_id is not None:
        conditions.append(table.c.reference_id == query.reference_id)
    if query.request_id is not None:
        conditions.append(table.c.request_id == query.request_id)
    return statement.where(*conditions)


def newest_first(query: PredictionQuery) -> Any:
    """A listing of what a query selects."""
    return selected(select(table), query).order_by(table.c.at_ms.desc(), table.c.id.desc())


def older(at_ms: int, prediction_id: int) -> Any:
    """The condition for what comes after a prediction, newest first."""
    same_time = and_(table.c.at_ms == at_ms, table.c.id < prediction_id)
    return and_(table.c.at_ms <= at_ms, or_(table.c.at_ms < at_ms, same_time))


def erase(connection: Connection, query: PredictionQuery) -> int:
    """Remove what a query selects, in the caller's own transaction; paging aside. Returns how many went."""
    refuse_everything(query)
    if connection.dialect.name == "sqlite":
        # Else the bytes stay in the file until something else needs the room.
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
    return connection.execute(selected(delete(table), query)).rowcount


def _prediction(row: Row[Any]) -> Prediction:
    return Prediction(
        at_ms=row.at_ms,
        model=join_model(row.name, row.version),
        method=row.method,
        request_id=row.request_id,
        row=row.row,
        reference_id=row.reference_id,
        inputs=row.inputs,
        outputs=row.outputs,
        model_version_id=row.model_version_id,
        dataset_id=row.dataset_id,
        arm=row.arm,
        latency_ms=row.latency_ms,
        caller=row.caller,
        error=row.error,
        digest=row.digest,
        id=row.id,
        actual=row.actual,
    )
