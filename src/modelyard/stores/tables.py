"""Tables of the stores: blobs, their chunks, who needs them, the files of runs and logged models, and requests that must
not be carried out twice."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table

from modelyard.stores.rows.columns import (
    Blob,
    Digest,
    Id32,
    Int64,
    Json,
    Name,
    Text,
    TimeMs,
    metadata,
)

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

blob_marks = Table(
    "my_blob_marks",
    metadata,
    Column("digest", Digest(), primary_key=True),
    Column("at_ms", TimeMs(), nullable=False),
    Column("condemned_ms", TimeMs()),
    Index(None, "condemned_ms"),
)
"""When a blob was last put, wherever its bytes are: the row that a put, a new reference and gc lock
before they decide (`stores.references`). ``condemned_ms``: gc is removing it."""

artifacts = Table(
    "my_artifacts",
    metadata,
    Column("owner", Name(160), primary_key=True),
    Column("folder_key", Digest(), primary_key=True),
    Column("name", Name(255), primary_key=True),
    Column("folder", Text(), nullable=False),
    Column("digest", Digest()),
    Column("size", Int64(), nullable=False),
    Column("files", Int64(), nullable=False),
    Column("at_ms", TimeMs(), nullable=False),
    Index(None, "owner", "digest"),
)
"""Path -> blob, of runs and logged models. A row is a file, or (without a digest) a folder with the sums
of what is below it. A path is found by the sha256 of its folder, as it may be longer than an index key;
file and folder share the key, so one cannot hide the other. An owner's root is the row with an empty name."""

uploads = Table(
    "my_uploads",
    metadata,
    Column("id", Id32(), primary_key=True),
    Column("owner", Name(160), nullable=False),
    Column("path", Text(), nullable=False),
    Column("size", Int64()),
    Column("sha256", Digest()),
    Column("done_sha256", Digest()),
    Column("done_size", Int64()),
    Column("at_ms", TimeMs(), nullable=False),
    Index(None, "at_ms"),
)
"""Uploads in parts: what was announced, and what came of it."""

upload_parts = Table(
    "my_upload_parts",
    metadata,
    Column("upload_id", Id32(), primary_key=True),
    Column("number", Int64(), primary_key=True, autoincrement=False),
    Column("digest", Digest(), nullable=False),
    Column("size", Int64(), nullable=False),
)
"""The parts that are here. Each is a blob that ``upload:<id>`` refers to."""
