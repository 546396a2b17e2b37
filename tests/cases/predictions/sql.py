"""A database: another handle opens it again."""

from __future__ import annotations

from modelyard.predictions.sql import SqlPredictionLog
from modelyard.stores.rows import Database
from modelyard.testing.predictions import Bench


def bench(database: Database) -> Bench:
    return Bench(SqlPredictionLog(database), lambda: SqlPredictionLog(database))
