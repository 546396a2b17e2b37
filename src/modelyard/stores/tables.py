"""Tables of the stores: blobs, their chunks, who needs them; and requests that must not be carried out twice."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table

from modelyard.stores.rows.columns import Blob, Digest, Id32, Int64, Json, Name, TimeMs, metadata

blobs = Table(
    "my_blobs",
    metadata,
    Column("digest", Digest(), primary_key=True),
    Column("upload_id", Id32(), nullable=False),
    Column("size", Int64(), nullable=False),
    Column("at_ms", TimeMs(), nullable=False),
)
"""A row here is the READY mark: it is written with the last chunk, when every byte is there and verified."""

blob_chunks = Table(
    "my_blob_chunks",
    metadata,
    Column("upload_id", Id32(), primary_key=True),
    Column("position", Int64(), primary_key=True, autoincrement=False),
    Column("at_ms", TimeMs(), nullable=False),
    Column("data", Blob(), nullable=False),
)
"""One megabyte a row. Chunks belong to an upload, so that two that run at once never mix."""

blob_refs = Table(
    "my_blob_refs",
    metadata,
    Column("owner", Name(), primary_key=True),
    Column("digest", Digest(), primary_key=True),
    Index(None, "digest"),
)
"""Who needs a blob: ``version:42``, ``dataset:7``. gc takes what nobody refers to. No foreign
key: the bytes may be in a folder or bucket instead."""

requests = Table(
    "my_requests",
    metadata,
    Column("key", Name(256), primary_key=True),
    Column("at_ms", TimeMs(), nullable=False, index=True),
    Column("answer", Json()),
)
"""Requests that were carried out under an idempotency key, and what was answered; written with what they did."""
