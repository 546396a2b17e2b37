"""All tables of the first release. Written by ``python -m modelyard.stores.rows.migrations.write``."""

from __future__ import annotations

import sqlalchemy as sa

from modelyard.stores.rows import columns
from modelyard.stores.rows.migrations.steps import Steps


def upgrade(op: Steps) -> None:
    """Create every table and index."""
    _my_blob_chunks(op)
    _my_blob_refs(op)
    _my_blobs(op)
    _my_dataset_names(op)
    _my_settings(op)
    _my_datasets(op)


def _my_blob_chunks(op: Steps) -> None:
    op.create_table(
        "my_blob_chunks",
        sa.Column("upload_id", columns.Id32(), nullable=False),
        sa.Column("position", columns.Int64(), autoincrement=False, nullable=False),
        sa.Column("at_ms", columns.TimeMs(), nullable=False),
        sa.Column("data", columns.Blob(), nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "position", name=op.f("pk_my_blob_chunks")),
    )


def _my_blob_refs(op: Steps) -> None:
    op.create_table(
        "my_blob_refs",
        sa.Column("owner", columns.Name(512), nullable=False),
        sa.Column("digest", columns.Digest(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "digest", name=op.f("pk_my_blob_refs")),
    )
    op.create_index(op.f("ix_my_blob_refs_digest"), "my_blob_refs", ["digest"], unique=False)


def _my_blobs(op: Steps) -> None:
    op.create_table(
        "my_blobs",
        sa.Column("digest", columns.Digest(), nullable=False),
        sa.Column("upload_id", columns.Id32(), nullable=False),
        sa.Column("size", columns.Int64(), nullable=False),
        sa.Column("at_ms", columns.TimeMs(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_my_blobs")),
    )


def _my_dataset_names(op: Steps) -> None:
    op.create_table(
        "my_dataset_names",
        sa.Column("id", columns.RowId(), nullable=False),
        sa.Column("name", columns.Name(512), nullable=False),
        sa.Column("name_key", columns.Name(1024), nullable=False),
        sa.Column("counter", columns.Int64(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_my_dataset_names")),
        sa.UniqueConstraint("name", name=op.f("uq_my_dataset_names_name")),
        sa.UniqueConstraint("name_key", name=op.f("uq_my_dataset_names_name_key")),
    )


def _my_settings(op: Steps) -> None:
    op.create_table(
        "my_settings",
        sa.Column("key", columns.Name(512), nullable=False),
        sa.Column("value", columns.Json(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_my_settings")),
    )


def _my_datasets(op: Steps) -> None:
    op.create_table(
        "my_datasets",
        sa.Column("id", columns.RowId(), nullable=False),
        sa.Column("name_id", columns.RowId(), nullable=False),
        sa.Column("version", columns.Int64(), nullable=False),
        sa.Column("digest", columns.Digest(), nullable=False),
        sa.Column("card", columns.Digest(), nullable=False),
        sa.Column("size_cols", columns.Int64(), nullable=True),
        sa.Column("size_rows", columns.Int64(), nullable=True),
        sa.Column("description", columns.Text(), nullable=False),
        sa.Column("created_ms", columns.TimeMs(), nullable=False),
        sa.Column("actor", columns.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["name_id"], ["my_dataset_names.id"], name=op.f("fk_my_datasets_name_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_my_datasets")),
        sa.UniqueConstraint("name_id", "digest", name=op.f("uq_my_datasets_name_id_digest")),
        sa.UniqueConstraint("name_id", "version", name=op.f("uq_my_datasets_name_id_version")),
    )
    op.create_index(op.f("ix_my_datasets_digest"), "my_datasets", ["digest"], unique=False)
