"""Tables of the yard itself: its settings, and data sets with their versions."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table, UniqueConstraint

from modelyard.stores.rows.columns import Digest, Int64, Json, Name, RowId, Text, TimeMs, metadata

settings = Table(
    "my_settings",
    metadata,
    Column("key", Name(), primary_key=True),
    Column("value", Json(), nullable=False),
)
"""The yard's id, where its large files are, what is active: one JSON value a key."""

dataset_names = Table(
    "my_dataset_names",
    metadata,
    Column("id", RowId(), primary_key=True),
    Column("name", Name(1024), nullable=False, unique=True),
    Column("name_key", Digest(), nullable=False, unique=True),
    Column("counter", Int64(), nullable=False),
)
"""A name and the highest version ever given out under it. ``name_key`` is as in the registry's table of models."""

datasets = Table(
    "my_datasets",
    metadata,
    Column("id", RowId(), primary_key=True),
    Column("name_id", ForeignKey("my_dataset_names.id"), nullable=False),
    Column("version", Int64(), nullable=False),
    Column("digest", Digest(), nullable=False),
    Column("card", Digest(), nullable=False),
    Column("size_cols", Int64()),
    Column("size_rows", Int64()),
    Column("description", Text(), nullable=False),
    Column("created_ms", TimeMs(), nullable=False),
    Column("actor", Text(), nullable=False),
    UniqueConstraint("name_id", "version"),
    UniqueConstraint("name_id", "digest"),
    Index(None, "digest"),
)
"""One version of a data set: its content, its card (a blob), and what a listing shows."""
