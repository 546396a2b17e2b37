"""Tables of the registry: events, and what they add up to now. Both change in one transaction."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Table, UniqueConstraint

from modelyard.stores.rows.columns import Digest, Int64, Json, Name, RowId, Text, TimeMs, metadata

NAME = 1024
"""Bytes of a name: 256 characters of UTF-8."""

events = Table(
    "my_events",
    metadata,
    Column("seq", RowId(), primary_key=True),
    Column("at_ms", TimeMs(), nullable=False),
    Column("actor", Text(), nullable=False),
    Column("request_id", Text(), nullable=False),
    Column("kind", Name(64), nullable=False),
    Column("subject", Name(NAME + 64), nullable=False),
    Column("subject_id", Int64()),
    Column("before", Json(), nullable=False),
    Column("after", Json(), nullable=False),
    Column("comment", Text(), nullable=False),
    Column("previous_hash", Digest()),
    Column("hash", Digest()),
    Index(None, "subject_id", "seq"),
    Index(None, "subject", "seq"),
    sqlite_autoincrement=True,
)
"""What happened, only ever added to. ``subject_id`` is the row of the model in `models`: it outlives a rename, and is
never given to another. The hashes are a sealer's, who chains rows after they were committed."""

models = Table(
    "my_models",
    metadata,
    Column("id", RowId(), primary_key=True),
    Column("name", Name(NAME), nullable=False, unique=True),
    Column("name_key", Digest(), nullable=False, unique=True),
    Column("description", Text(), nullable=False),
    Column("facts", Json(), nullable=False),
    Column("counter", Int64(), nullable=False),
    Column("created_ms", TimeMs(), nullable=False),
    Column("deprecated", Boolean(), nullable=False),
    Column("seq", Int64(), nullable=False),
    Column("updated_ms", TimeMs(), nullable=False),
    sqlite_autoincrement=True,
)
"""A row a living model; deleting the model deletes the row. ``name_key`` is the sha256 of the name's `fold_case_key`,
so that of two names a person takes for one only one exists. ``counter`` is the highest number ever given out."""

versions = Table(
    "my_versions",
    metadata,
    Column("id", RowId(), primary_key=True),
    Column("model_id", ForeignKey("my_models.id"), nullable=False),
    Column("number", Int64(), nullable=False),
    Column("semver", Name(256)),
    Column("digest", Digest()),
    Column("seq", Int64(), nullable=False),
    Column("at_ms", TimeMs(), nullable=False),
    Column("actor", Text(), nullable=False),
    Column("comment", Text(), nullable=False),
    Column("commit", Text(), nullable=False),
    Column("active", Boolean(), nullable=False),
    Column("facts", Json(), nullable=False),
    Column("run_id", Name(64), index=True),
    Column("updated_ms", TimeMs(), nullable=False),
    UniqueConstraint("model_id", "number"),
    UniqueConstraint("model_id", "semver"),
    Index(None, "digest"),
    sqlite_autoincrement=True,
)
"""A row a version that was not deleted. Its id is what predictions link to, and is never given to another. ``run_id``
is what its facts say of the run it came from, for searches."""

stage_assignments = Table(
    "my_stage_assignments",
    metadata,
    Column("version_id", ForeignKey("my_versions.id"), primary_key=True),
    Column("stage", Name(128), primary_key=True),
    Column("model_id", ForeignKey("my_models.id"), nullable=False, index=True),
    Column("seq", Int64(), nullable=False),
    Column("at_ms", TimeMs(), nullable=False),
    Column("actor", Text(), nullable=False),
    Column("comment", Text(), nullable=False),
)
"""A row an assignment in force; the newest of an active version holds its stage."""

aliases = Table(
    "my_aliases",
    metadata,
    Column("model_id", ForeignKey("my_models.id"), primary_key=True),
    Column("alias", Name(1024), primary_key=True),
    Column("version_id", ForeignKey("my_versions.id"), nullable=False, index=True),
)
"""A row an alias."""
