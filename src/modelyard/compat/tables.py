"""Tables of protocols: webhooks, which tell others what happened in the registry."""

from __future__ import annotations

from sqlalchemy import Column, Table

from modelyard.stores.rows.columns import Id32, Int64, Json, Name, RowId, Text, TimeMs, metadata

webhooks = Table(
    "my_webhooks",
    metadata,
    Column("id", RowId(), primary_key=True),
    Column("webhook_id", Id32(), nullable=False, unique=True),
    Column("name", Text(), nullable=False),
    Column("description", Text(), nullable=False),
    Column("url", Text(), nullable=False),
    Column("events", Json(), nullable=False),
    Column("secret", Text(), nullable=False),
    Column("status", Name(16), nullable=False),
    Column("created_ms", TimeMs(), nullable=False),
    Column("updated_ms", TimeMs(), nullable=False),
    Column("seq", Int64(), nullable=False),
    Column("attempts", Int64(), nullable=False),
    Column("due_ms", TimeMs(), nullable=False),
    sqlite_autoincrement=True,
)
"""``events`` are words such as ``model_version.created``. ``secret`` signs what is sent and is never shown. ``seq`` is
the last event that was dealt with; the next is sent when ``due_ms`` has come, which also keeps other hubs from sending
it at the same time, and given up after some ``attempts``."""
