"""Tables of the hub: who may use it."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table

from modelyard.stores.rows.columns import Digest, Json, Name, RowId, Text, TimeMs, metadata

users = Table(
    "my_users",
    metadata,
    Column("id", RowId(), primary_key=True),
    Column("name", Name(1024), nullable=False, unique=True),
    Column("name_key", Digest(), nullable=False, unique=True),
    Column("role", Name(32), nullable=False),
    Column("created_ms", TimeMs(), nullable=False),
    sqlite_autoincrement=True,
)
"""A row a user. As soon as there is one, nobody uses the hub without a token. ``name_key`` is as in the table of models."""

tokens = Table(
    "my_tokens",
    metadata,
    Column("id", RowId(), primary_key=True),
    Column("user_id", ForeignKey("my_users.id"), nullable=False, index=True),
    Column("name", Text(), nullable=False),
    Column("start", Name(16), nullable=False),
    Column("digest", Digest(), nullable=False, unique=True),
    Column("role", Name(32), nullable=False),
    Column("scopes", Json(), nullable=False),
    Column("created_ms", TimeMs(), nullable=False),
    Column("expires_ms", TimeMs()),
    Column("last_used_ms", TimeMs()),
    Column("revoked_ms", TimeMs()),
    sqlite_autoincrement=True,
)
"""A row a token, kept when it is revoked. ``digest`` is the sha256 of the secret, which is nowhere; ``start`` is how
people tell theirs apart."""
