"""All tables of the first release. Written by ``python -m modelyard.stores.rows.migrations.write``."""

from __future__ import annotations

import sqlalchemy as sa

from modelyard.stores.rows import columns
from modelyard.stores.rows.migrations.steps import Steps


def upgrade(op: Steps) -> None:
    """Create every table and index."""
    _my_artifacts(op)
    _my_blob_chunks(op)
    _my_blob_marks(op)
    _my_blob_refs(op)
    _my_blobs(op)
    _my_dataset_names(op)
    _my_events(op)
    _my_experiments(op)
    _my_inputs(op)
    _my_keys(op)
    _my_logged_models(op)
    _my_metric_contexts(op)
    _my_metric_segments(op)
    _my_metrics(op)
    _my_models(op)
    _my_pairs(op)
    _my_predictions(op)
    _my_requests(op)
    _my_run_inputs(op)
    _my_run_models(op)
    _my_settings(op)
    _my_spools(op)
    _my_upload_parts(op)
    _my_uploads(op)
    _my_users(op)
    _my_webhooks(op)
    _my_datasets(op)
    _my_runs(op)
    _my_tokens(op)
    _my_versions(op)
    _my_aliases(op)
    _my_stage_assignments(op)


def _my_artifacts(op: Steps) -> None:
    op.create_table(
        "my_artifacts",
        sa.Column("owner", columns.Name(160), nullable=False),
        sa.Column("folder_key", columns.Digest(), nullable=False),
        sa.Column("name", columns.Name(255), nullable=False),
        sa.Column("folder", columns.Text(), nullable=False),
        sa.Column("digest", columns.Digest(), nullable=True),
        sa.Column("size", columns.Int64(), nullable=False),
        sa.Column("files", columns.Int64(), nullable=False),
        sa.Column("at_ms", columns.TimeMs(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "folder_key", "name", name=op.f("pk_my_artifacts")),
    )
    op.create_index(
        op.f("ix_my_artifacts_owner_digest"), "my_artifacts", ["owner", "digest"], unique=False
    )


def _my_blob_chunks(op: Steps) -> None:
    op.create_table(
        "my_blob_chunks",
        sa.Column("upload_id", columns.Id32(), nullable=False),
        sa.Column("position", columns.Int64(), autoincrement=False, nullable=False),
        sa.Column("at_ms", columns.TimeMs(), nullable=False),
        sa.Column("data", columns.Blob(), nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "position", name=op.f("pk_my_blob_chunks")),
    )


def _my_blob_marks(op: Steps) -> None:
    op.create_table(
        "my_blob_marks",
        sa.Column("digest", columns.Digest(), nullable=False),
        sa.Column("at_ms", columns.TimeMs(), nullable=False),
        sa.Column("condemned_ms", columns.TimeMs(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_my_blob_marks")),
    )
    op.create_index(
        op.f("ix_my_blob_marks_condemned_ms"), "my_blob_marks", ["condemned_ms"], unique=False
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
        sa.Column("name", columns.Name(1024), nullable=False),
        sa.Column("name_key", columns.Digest(), nullable=False),
        sa.Column("counter", columns.Int64(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_my_dataset_names")),
        sa.UniqueConstraint("name", name=op.f("uq_my_dataset_names_name")),
        sa.UniqueConstraint("name_key", name=op.f("uq_my_dataset_names_name_key")),
    )


def _my_events(op: Steps) -> None:
    op.create_table(
        "my_events",
        sa.Column("seq", columns.RowId(), nullable=False),
        sa.Column("at_ms", columns.TimeMs(), nullable=False),
        sa.Column("actor", columns.Text(), nullable=False),
        sa.Column("request_id", columns.Text(), nullable=False),
        sa.Column("kind", columns.Name(64), nullable=False),
        sa.Column("subject", columns.Name(1088), nullable=False),
        sa.Column("subject_id", columns.Int64(), nullable=True),
        sa.Column("before", columns.Json(), nullable=False),
        sa.Column("after", columns.Json(), nullable=False),
        sa.Column("comment", columns.Text(), nullable=False),
        sa.Column("previous_hash", columns.Digest(), nullable=True),
        sa.Column("hash", columns.Digest(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_my_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_my_events_subject_id_seq"), "my_events", ["subject_id", "seq"], unique=False
    )
    op.create_index(op.f("ix_my_events_subject_seq"), "my_events", ["subject", "seq"], unique=False)


def _my_experiments(op: Steps) -> None:
    op.create_table(
        "my_experiments",
        sa.Column("id", columns.RowId(), nullable=False),
        sa.Column("name", columns.Name(2000), nullable=False),
        sa.Column("artifact_location", columns.Text(), nullable=False),
        sa.Column("created_ms", columns.TimeMs(), nullable=False),
        sa.Column("updated_ms", columns.TimeMs(), nullable=False),
        sa.Column("deleted_ms", columns.TimeMs(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_my_experiments")),
        sa.UniqueConstraint("name", name=op.f("uq_my_experiments_name")),
        sqlite_autoincrement=True,
    )


def _my_inputs(op: Steps) -> None:
    op.create_table(
        "my_inputs",
        sa.Column("id", columns.RowId(), nullable=False),
        sa.Column("experiment_id", columns.Int64(), nullable=False),
        sa.Column("name", columns.Name(2000), nullable=False),
        sa.Column("digest", columns.Name(256), nullable=False),
        sa.Column("source_type", columns.Text(), nullable=False),
        sa.Column("source", columns.Text(), nullable=False),
        sa.Column("schema", columns.Text(), nullable=False),
        sa.Column("profile", columns.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_my_inputs")),
        sa.UniqueConstraint(
            "experiment_id", "name", "digest", name=op.f("uq_my_inputs_experiment_id_name_digest")
        ),
    )


def _my_keys(op: Steps) -> None:
    op.create_table(
        "my_keys",
        sa.Column("id", columns.RowId(), nullable=False),
        sa.Column("name", columns.Name(1000), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_my_keys")),
        sa.UniqueConstraint("name", name=op.f("uq_my_keys_name")),
    )


def _my_logged_models(op: Steps) -> None:
    op.create_table(
        "my_logged_models",
        sa.Column("id", columns.RowId(), nullable=False),
        sa.Column("model_id", columns.Name(64), nullable=False),
        sa.Column("experiment_id", columns.Int64(), nullable=False),
        sa.Column("run_id", columns.Int64(), nullable=True),
        sa.Column("name", columns.Text(), nullable=False),
        sa.Column("name_prefix", columns.Name(764), nullable=False),
        sa.Column("type", columns.Text(), nullable=False),
        sa.Column("status", columns.Name(16), nullable=False),
        sa.Column("status_message", columns.Text(), nullable=False),
        sa.Column("created_ms", columns.TimeMs(), nullable=False),
        sa.Column("updated_ms", columns.TimeMs(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("deleted_ms", columns.TimeMs(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_my_logged_models")),
        sa.UniqueConstraint("model_id", name=op.f("uq_my_logged_models_model_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_my_logged_models_experiment_id_active_created_ms_id"),
        "my_logged_models",
        ["experiment_id", "active", "created_ms", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_my_logged_models_experiment_id_name_prefix"),
        "my_logged_models",
        ["experiment_id", "name_prefix"],
        unique=False,
    )
    op.create_index(
        op.f("ix_my_logged_models_run_id"), "my_logged_models", ["run_id"], unique=False
    )


def _my_metric_contexts(op: Steps) -> None:
    op.create_table(
        "my_metric_contexts",
        sa.Column("id", columns.RowId(), nullable=False),
        sa.Column("model_id", columns.Name(64), nullable=False),
        sa.Column("dataset_name", columns.Name(2000), nullable=False),
        sa.Column("dataset_digest", columns.Name(256), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_my_metric_contexts")),
        sa.UniqueConstraint(
            "model_id",
            "dataset_name",
            "dataset_digest",
            name=op.f("uq_my_metric_contexts_model_id_dataset_name_dataset_digest"),
        ),
    )


def _my_metric_segments(op: Steps) -> None:
    op.create_table(
        "my_metric_segments",
        sa.Column("id", columns.RowId(), nullable=False),
        sa.Column("run_id", columns.Int64(), nullable=False),
        sa.Column("key_id", columns.Int64(), nullable=False),
        sa.Column("context_id", columns.Int64(), nullable=False),
        sa.Column("count", columns.Int64(), nullable=False),
        sa.Column("min_step", columns.Int64(), nullable=False),
        sa.Column("max_step", columns.Int64(), nullable=False),
        sa.Column("min_bits", columns.Int64(), nullable=True),
        sa.Column("max_bits", columns.Int64(), nullable=True),
        sa.Column("data", columns.Blob(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_my_metric_segments")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_my_metric_segments_run_id_key_id_context_id_id"),
        "my_metric_segments",
        ["run_id", "key_id", "context_id", "id"],
        unique=False,
    )


def _my_metrics(op: Steps) -> None:
    op.create_table(
        "my_metrics",
        sa.Column("run_id", columns.Int64(), autoincrement=False, nullable=False),
        sa.Column("key_id", columns.Int64(), autoincrement=False, nullable=False),
        sa.Column("context_id", columns.Int64(), autoincrement=False, nullable=False),
        sa.Column("experiment_id", columns.Int64(), nullable=False),
        sa.Column("latest", sa.Boolean(), nullable=False),
        sa.Column("value_bits", columns.Int64(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("step", columns.Int64(), nullable=False),
        sa.Column("at_ms", columns.TimeMs(), nullable=False),
        sa.Column("points", columns.Int64(), nullable=False),
        sa.Column("loose", columns.Int64(), nullable=False),
        sa.Column("packed_to", columns.Int64(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "key_id", "context_id", name=op.f("pk_my_metrics")),
    )
    op.create_index(
        op.f("ix_my_metrics_context_id_key_id"),
        "my_metrics",
        ["context_id", "key_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_my_metrics_experiment_id_key_id_latest_value_bits_run_id"),
        "my_metrics",
        ["experiment_id", "key_id", "latest", "value_bits", "run_id"],
        unique=False,
    )


def _my_models(op: Steps) -> None:
    op.create_table(
        "my_models",
        sa.Column("id", columns.RowId(), nullable=False),
        sa.Column("name", columns.Name(1024), nullable=False),
        sa.Column("name_key", columns.Digest(), nullable=False),
        sa.Column("description", columns.Text(), nullable=False),
        sa.Column("facts", columns.Json(), nullable=False),
        sa.Column("counter", columns.Int64(), nullable=False),
        sa.Column("created_ms", columns.TimeMs(), nullable=False),
        sa.Column("deprecated", sa.Boolean(), nullable=False),
        sa.Column("seq", columns.Int64(), nullable=False),
        sa.Column("updated_ms", columns.TimeMs(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_my_models")),
        sa.UniqueConstraint("name", name=op.f("uq_my_models_name")),
        sa.UniqueConstraint("name_key", name=op.f("uq_my_models_name_key")),
        sqlite_autoincrement=True,
    )


def _my_pairs(op: Steps) -> None:
    op.create_table(
        "my_pairs",
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("owner_id", columns.Int64(), autoincrement=False, nullable=False),
        sa.Column("key_id", columns.Int64(), autoincrement=False, nullable=False),
        sa.Column("experiment_id", columns.Int64(), nullable=False),
        sa.Column("value", columns.Text(), nullable=False),
        sa.Column("value_prefix", columns.Name(764), nullable=False),
        sa.Column("number_bits", columns.Int64(), nullable=True),
        sa.Column("number", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "owner_id", "key_id", name=op.f("pk_my_pairs")),
    )
    op.create_index(
        op.f("ix_my_pairs_experiment_id_kind_key_id_number_bits_owner_id"),
        "my_pairs",
        ["experiment_id", "kind", "key_id", "number_bits", "owner_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_my_pairs_experiment_id_kind_key_id_value_prefix_owner_id"),
        "my_pairs",
        ["experiment_id", "kind", "key_id", "value_prefix", "owner_id"],
        unique=False,
    )


def _my_predictions(op: Steps) -> None:
    op.create_table(
        "my_predictions",
        sa.Column("id", columns.RowId(), nullable=False),
        sa.Column("at_ms", columns.TimeMs(), nullable=False),
        sa.Column("name", columns.Name(1024), nullable=False),
        sa.Column("version", columns.Name(256), nullable=False),
        sa.Column("model_version_id", columns.Int64(), nullable=True),
        sa.Column("dataset_id", columns.Int64(), nullable=True),
        sa.Column("method", columns.Text(), nullable=False),
        sa.Column("arm", columns.Text(), nullable=False),
        sa.Column("request_id", columns.Name(1024), nullable=False),
        sa.Column("row", columns.Int64(), nullable=False),
        sa.Column("reference_id", columns.Name(2048), nullable=False),
        sa.Column("inputs", columns.Json(), nullable=False),
        sa.Column("outputs", columns.Json(), nullable=True),
        sa.Column("latency_ms", sa.Double(), nullable=True),
        sa.Column("caller", columns.Text(), nullable=False),
        sa.Column("error", columns.Text(), nullable=False),
        sa.Column("digest", columns.Text(), nullable=False),
        sa.Column("actual", columns.Json(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_my_predictions")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_my_predictions_at_ms"), "my_predictions", ["at_ms"], unique=False)
    op.create_index(
        op.f("ix_my_predictions_name_at_ms"), "my_predictions", ["name", "at_ms"], unique=False
    )
    op.create_index(
        op.f("ix_my_predictions_reference_id"), "my_predictions", ["reference_id"], unique=False
    )
    op.create_index(
        op.f("ix_my_predictions_request_id"), "my_predictions", ["request_id"], unique=False
    )


def _my_requests(op: Steps) -> None:
    op.create_table(
        "my_requests",
        sa.Column("key", columns.Name(256), nullable=False),
        sa.Column("at_ms", columns.TimeMs(), nullable=False),
        sa.Column("answer", columns.Json(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_my_requests")),
    )
    op.create_index(op.f("ix_my_requests_at_ms"), "my_requests", ["at_ms"], unique=False)


def _my_run_inputs(op: Steps) -> None:
    op.create_table(
        "my_run_inputs",
        sa.Column("run_id", columns.Int64(), autoincrement=False, nullable=False),
        sa.Column("input_id", columns.Int64(), autoincrement=False, nullable=False),
        sa.Column("tags", columns.Json(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "input_id", name=op.f("pk_my_run_inputs")),
    )
    op.create_index(op.f("ix_my_run_inputs_input_id"), "my_run_inputs", ["input_id"], unique=False)


def _my_run_models(op: Steps) -> None:
    op.create_table(
        "my_run_models",
        sa.Column("run_id", columns.Int64(), autoincrement=False, nullable=False),
        sa.Column("model_id", columns.Int64(), autoincrement=False, nullable=False),
        sa.Column("output", sa.Boolean(), nullable=False),
        sa.Column("step", columns.Int64(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "model_id", "output", name=op.f("pk_my_run_models")),
    )
    op.create_index(op.f("ix_my_run_models_model_id"), "my_run_models", ["model_id"], unique=False)


def _my_settings(op: Steps) -> None:
    op.create_table(
        "my_settings",
        sa.Column("key", columns.Name(512), nullable=False),
        sa.Column("value", columns.Json(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_my_settings")),
    )


def _my_spools(op: Steps) -> None:
    op.create_table(
        "my_spools",
        sa.Column("spool_id", columns.Name(100), nullable=False),
        sa.Column("received", columns.Int64(), nullable=False),
        sa.Column("at_ms", columns.TimeMs(), nullable=False),
        sa.PrimaryKeyConstraint("spool_id", name=op.f("pk_my_spools")),
    )


def _my_upload_parts(op: Steps) -> None:
    op.create_table(
        "my_upload_parts",
        sa.Column("upload_id", columns.Id32(), nullable=False),
        sa.Column("number", columns.Int64(), autoincrement=False, nullable=False),
        sa.Column("digest", columns.Digest(), nullable=False),
        sa.Column("size", columns.Int64(), nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "number", name=op.f("pk_my_upload_parts")),
    )


def _my_uploads(op: Steps) -> None:
    op.create_table(
        "my_uploads",
        sa.Column("id", columns.Id32(), nullable=False),
        sa.Column("owner", columns.Name(160), nullable=False),
        sa.Column("path", columns.Text(), nullable=False),
        sa.Column("size", columns.Int64(), nullable=True),
        sa.Column("sha256", columns.Digest(), nullable=True),
        sa.Column("done_sha256", columns.Digest(), nullable=True),
        sa.Column("done_size", columns.Int64(), nullable=True),
        sa.Column("at_ms", columns.TimeMs(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_my_uploads")),
    )
    op.create_index(op.f("ix_my_uploads_at_ms"), "my_uploads", ["at_ms"], unique=False)


def _my_users(op: Steps) -> None:
    op.create_table(
        "my_users",
        sa.Column("id", columns.RowId(), nullable=False),
        sa.Column("name", columns.Name(1024), nullable=False),
        sa.Column("name_key", columns.Digest(), nullable=False),
        sa.Column("role", columns.Name(32), nullable=False),
        sa.Column("created_ms", columns.TimeMs(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_my_users")),
        sa.UniqueConstraint("name", name=op.f("uq_my_users_name")),
        sa.UniqueConstraint("name_key", name=op.f("uq_my_users_name_key")),
        sqlite_autoincrement=True,
    )


def _my_webhooks(op: Steps) -> None:
    op.create_table(
        "my_webhooks",
        sa.Column("id", columns.RowId(), nullable=False),
        sa.Column("webhook_id", columns.Id32(), nullable=False),
        sa.Column("name", columns.Text(), nullable=False),
        sa.Column("description", columns.Text(), nullable=False),
        sa.Column("url", columns.Text(), nullable=False),
        sa.Column("events", columns.Json(), nullable=False),
        sa.Column("secret", columns.Text(), nullable=False),
        sa.Column("status", columns.Name(16), nullable=False),
        sa.Column("created_ms", columns.TimeMs(), nullable=False),
        sa.Column("updated_ms", columns.TimeMs(), nullable=False),
        sa.Column("seq", columns.Int64(), nullable=False),
        sa.Column("attempts", columns.Int64(), nullable=False),
        sa.Column("due_ms", columns.TimeMs(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_my_webhooks")),
        sa.UniqueConstraint("webhook_id", name=op.f("uq_my_webhooks_webhook_id")),
        sqlite_autoincrement=True,
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


def _my_runs(op: Steps) -> None:
    op.create_table(
        "my_runs",
        sa.Column("id", columns.RowId(), nullable=False),
        sa.Column("run_id", columns.Id32(), nullable=False),
        sa.Column("experiment_id", columns.RowId(), nullable=False),
        sa.Column("parent_id", columns.Int64(), nullable=True),
        sa.Column("name", columns.Text(), nullable=False),
        sa.Column("name_prefix", columns.Name(764), nullable=False),
        sa.Column("status", columns.Name(16), nullable=False),
        sa.Column("user", columns.Text(), nullable=False),
        sa.Column("started_ms", columns.TimeMs(), nullable=False),
        sa.Column("ended_ms", columns.TimeMs(), nullable=True),
        sa.Column("duration_ms", columns.Int64(), nullable=True),
        sa.Column("changed_ms", columns.TimeMs(), nullable=False),
        sa.Column("alive_until_ms", columns.TimeMs(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("deleted_ms", columns.TimeMs(), nullable=True),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["my_experiments.id"], name=op.f("fk_my_runs_experiment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_my_runs")),
        sa.UniqueConstraint("run_id", name=op.f("uq_my_runs_run_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_my_runs_active_started_ms_id"),
        "my_runs",
        ["active", "started_ms", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_my_runs_alive_until_ms"), "my_runs", ["alive_until_ms"], unique=False)
    op.create_index(
        op.f("ix_my_runs_experiment_id_active_started_ms_id"),
        "my_runs",
        ["experiment_id", "active", "started_ms", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_my_runs_experiment_id_changed_ms"),
        "my_runs",
        ["experiment_id", "changed_ms"],
        unique=False,
    )
    op.create_index(
        op.f("ix_my_runs_experiment_id_name_prefix"),
        "my_runs",
        ["experiment_id", "name_prefix"],
        unique=False,
    )
    op.create_index(op.f("ix_my_runs_parent_id"), "my_runs", ["parent_id"], unique=False)


def _my_tokens(op: Steps) -> None:
    op.create_table(
        "my_tokens",
        sa.Column("id", columns.RowId(), nullable=False),
        sa.Column("user_id", columns.RowId(), nullable=False),
        sa.Column("name", columns.Text(), nullable=False),
        sa.Column("start", columns.Name(16), nullable=False),
        sa.Column("digest", columns.Digest(), nullable=False),
        sa.Column("role", columns.Name(32), nullable=False),
        sa.Column("scopes", columns.Json(), nullable=False),
        sa.Column("created_ms", columns.TimeMs(), nullable=False),
        sa.Column("expires_ms", columns.TimeMs(), nullable=True),
        sa.Column("last_used_ms", columns.TimeMs(), nullable=True),
        sa.Column("revoked_ms", columns.TimeMs(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["my_users.id"], name=op.f("fk_my_tokens_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_my_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_my_tokens_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_my_tokens_user_id"), "my_tokens", ["user_id"], unique=False)


def _my_versions(op: Steps) -> None:
    op.create_table(
        "my_versions",
        sa.Column("id", columns.RowId(), nullable=False),
        sa.Column("model_id", columns.RowId(), nullable=False),
        sa.Column("number", columns.Int64(), nullable=False),
        sa.Column("semver", columns.Name(256), nullable=True),
        sa.Column("digest", columns.Digest(), nullable=True),
        sa.Column("seq", columns.Int64(), nullable=False),
        sa.Column("at_ms", columns.TimeMs(), nullable=False),
        sa.Column("actor", columns.Text(), nullable=False),
        sa.Column("comment", columns.Text(), nullable=False),
        sa.Column("commit", columns.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("facts", columns.Json(), nullable=False),
        sa.Column("run_id", columns.Name(64), nullable=True),
        sa.Column("updated_ms", columns.TimeMs(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["my_models.id"], name=op.f("fk_my_versions_model_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_my_versions")),
        sa.UniqueConstraint("model_id", "number", name=op.f("uq_my_versions_model_id_number")),
        sa.UniqueConstraint("model_id", "semver", name=op.f("uq_my_versions_model_id_semver")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_my_versions_digest"), "my_versions", ["digest"], unique=False)
    op.create_index(op.f("ix_my_versions_run_id"), "my_versions", ["run_id"], unique=False)


def _my_aliases(op: Steps) -> None:
    op.create_table(
        "my_aliases",
        sa.Column("model_id", columns.RowId(), nullable=False),
        sa.Column("alias", columns.Name(1024), nullable=False),
        sa.Column("version_id", columns.RowId(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["my_models.id"], name=op.f("fk_my_aliases_model_id")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["my_versions.id"], name=op.f("fk_my_aliases_version_id")
        ),
        sa.PrimaryKeyConstraint("model_id", "alias", name=op.f("pk_my_aliases")),
    )
    op.create_index(op.f("ix_my_aliases_version_id"), "my_aliases", ["version_id"], unique=False)


def _my_stage_assignments(op: Steps) -> None:
    op.create_table(
        "my_stage_assignments",
        sa.Column("version_id", columns.RowId(), nullable=False),
        sa.Column("stage", columns.Name(128), nullable=False),
        sa.Column("model_id", columns.RowId(), nullable=False),
        sa.Column("seq", columns.Int64(), nullable=False),
        sa.Column("at_ms", columns.TimeMs(), nullable=False),
        sa.Column("actor", columns.Text(), nullable=False),
        sa.Column("comment", columns.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["my_models.id"], name=op.f("fk_my_stage_assignments_model_id")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["my_versions.id"], name=op.f("fk_my_stage_assignments_version_id")
        ),
        sa.PrimaryKeyConstraint("version_id", "stage", name=op.f("pk_my_stage_assignments")),
    )
    op.create_index(
        op.f("ix_my_stage_assignments_model_id"), "my_stage_assignments", ["model_id"], unique=False
    )
