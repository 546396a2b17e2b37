"""Table of predictions: one row a record."""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Table

from modelyard.predictions.selection import MAX_REFERENCE
from modelyard.stores.rows.columns import Int64, Json, Name, RowId, Text, TimeMs, metadata

predictions = Table(
    "my_predictions",
    metadata,
    Column("id", RowId(), primary_key=True),
    Column("at_ms", TimeMs(), nullable=False),
    Column("name", Name(1024), nullable=False),
    Column("version", Name(256), nullable=False),
    Column("model_version_id", Int64()),
    Column("dataset_id", Int64()),
    Column("method", Text(), nullable=False),
    Column("arm", Text(), nullable=False),
    Column("request_id", Name(1024), nullable=False),
    Column("row", Int64(), nullable=False, quote=True),
    Column("reference_id", Name(MAX_REFERENCE), nullable=False),
    Column("inputs", Json(), nullable=False),
    Column("outputs", Json()),
    Column("latency_ms", Double()),
    Column("caller", Text(), nullable=False),
    Column("error", Text(), nullable=False),
    Column("digest", Text(), nullable=False),
    Column("actual", Json()),
    Index(None, "name", "at_ms"),
    Index(None, "at_ms"),
    Index(None, "reference_id"),
    Index(None, "request_id"),
    sqlite_autoincrement=True,
)
"""``name`` and ``version`` are the two sides of ``name@version``. The ids are links to rows of the registry and of data
sets, without a foreign key: a log outlives what it is about."""
