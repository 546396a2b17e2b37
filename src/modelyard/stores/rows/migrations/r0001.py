"""All tables of the first release. Written by ``python -m modelyard.stores.rows.migrations.write``."""

from __future__ import annotations

import sqlalchemy as sa

from modelyard.stores.rows import columns
from modelyard.stores.rows.migrations.steps import Steps


def upgrade(op: Steps) -> None:
    """Create every table and index."""
    op.create_table(
        "my_blob_chunks",
        sa.Column("upload_id", columns.Id32(), nullable=False),
        sa.Column("position", columns.Int64(), autoincrement=False, nullable=False),
        sa.Column("at_ms", columns.TimeMs(), nullable=False),
        sa.Column("data", columns.Blob(), nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "position", name=op.f("pk_my_blob_chunks")),
    )
    op.create_table(
        "my_blob_refs",
        sa.Column("owner", columns.Name(512), nullable=False),
        sa.Column("digest", columns.Digest(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "digest", name=op.f("pk_my_blob_refs")),
    )
    op.create_table(
        "my_blobs",
        sa.Column("digest", columns.Digest(), nullable=False),
        sa.Column("upload_id", columns.Id32(), nullable=False),
        sa.Column("size", columns.Int64(), nullable=False),
        sa.Column("at_ms", columns.TimeMs(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_my_blobs")),
    )
