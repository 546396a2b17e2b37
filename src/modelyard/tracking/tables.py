"""Tables of tracking: experiments, runs, what they logged, logged models, and the history of metrics.

Keys (``accuracy``, ``mlflow.user``) are numbers here, looked up in `keys`: rows stay small and indexes short. Everything
that can be searched for by value stands under ``(experiment, key, value)``, so that a page on one key costs the same
whether an experiment has a thousand runs or a million. Experiments therefore stand in rows of runs' values too; moving
a run rewrites them.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, SmallInteger, Table, UniqueConstraint

from modelyard.stores.rows.columns import (
    Blob,
    Id32,
    Int64,
    Json,
    Name,
    RowId,
    Text,
    TimeMs,
    float_columns,
    metadata,
    prefix_column,
)

KEY = 1000
"""Bytes of a key: 250 characters of UTF-8."""
EXPERIMENT_NAME = 2000
"""Bytes of an experiment's name: 500 characters."""

experiments = Table(
    "my_experiments",
    metadata,
    Column("id", RowId(), primary_key=True),
    Column("name", Name(EXPERIMENT_NAME), nullable=False, unique=True),
    Column("artifact_location", Text(), nullable=False),
    Column("created_ms", TimeMs(), nullable=False),
    Column("updated_ms", TimeMs(), nullable=False),
    Column("deleted_ms", TimeMs()),
    sqlite_autoincrement=True,
)
"""Row 0 is ``Default``. ``artifact_location`` is what a client said once: text, never opened."""

keys = Table(
    "my_keys",
    metadata,
    Column("id", RowId(), primary_key=True),
    Column("name", Name(KEY), nullable=False, unique=True),
)
"""Every key of a metric, param or tag that was ever logged; a row is never changed or removed."""

runs = Table(
    "my_runs",
    metadata,
    Column("id", RowId(), primary_key=True),
    Column("run_id", Id32(), nullable=False, unique=True),
    Column("experiment_id", ForeignKey("my_experiments.id"), nullable=False),
    Column("parent_id", Int64(), index=True),
    Column("name", Text(), nullable=False),
    prefix_column("name"),
    Column("status", Name(16), nullable=False),
    Column("user", Text(), nullable=False, quote=True),
    Column("started_ms", TimeMs(), nullable=False),
    Column("ended_ms", TimeMs()),
    Column("duration_ms", Int64()),
    Column("changed_ms", TimeMs(), nullable=False),
    Column("alive_until_ms", TimeMs(), index=True),
    Column("active", Boolean(), nullable=False),
    Column("deleted_ms", TimeMs()),
    Index(None, "experiment_id", "active", "started_ms", "id"),
    Index(None, "experiment_id", "name_prefix"),
    Index(None, "experiment_id", "changed_ms"),
    Index(None, "active", "started_ms", "id"),
    sqlite_autoincrement=True,
)
"""``active`` is False for a deleted run; a purged one has no row. ``parent_id`` is the row of the run it is nested in.
``alive_until_ms`` stands while a run sends heartbeats: one that is RUNNING later than that is lost."""

spools = Table(
    "my_spools",
    metadata,
    Column("spool_id", Name(100), primary_key=True),
    Column("received", Int64(), nullable=False),
    Column("at_ms", TimeMs(), nullable=False),
)
"""The number up to which the records of a spool were carried out, written in the transaction that does it."""

pairs = Table(
    "my_pairs",
    metadata,
    Column("kind", SmallInteger(), primary_key=True, autoincrement=False),
    Column("owner_id", Int64(), primary_key=True, autoincrement=False),
    Column("key_id", Int64(), primary_key=True, autoincrement=False),
    Column("experiment_id", Int64(), nullable=False),
    Column("value", Text(), nullable=False),
    prefix_column("value"),
    *float_columns("number", nullable=True),
    Index(None, "experiment_id", "kind", "key_id", "value_prefix", "owner_id"),
    Index(None, "experiment_id", "kind", "key_id", "number_bits", "owner_id"),
)
"""Params and tags, whoever has them: ``kind`` is one of the constants below, ``owner_id`` the row of the run,
experiment or logged model. ``number`` is what a param's text says when it is a number, for ``params.depth > 3``."""

RUN_PARAM, RUN_TAG, EXPERIMENT_TAG, MODEL_PARAM, MODEL_TAG = 1, 2, 3, 4, 5

metric_contexts = Table(
    "my_metric_contexts",
    metadata,
    Column("id", RowId(), primary_key=True),
    Column("model_id", Name(64), nullable=False),
    Column("dataset_name", Name(EXPERIMENT_NAME), nullable=False),
    Column("dataset_digest", Name(256), nullable=False),
    UniqueConstraint("model_id", "dataset_name", "dataset_digest"),
)
"""What a metric was measured of, besides its run: a logged model, a data set, both. Context 0 (no row) is neither."""

metrics = Table(
    "my_metrics",
    metadata,
    Column("run_id", Int64(), primary_key=True, autoincrement=False),
    Column("key_id", Int64(), primary_key=True, autoincrement=False),
    Column("context_id", Int64(), primary_key=True, autoincrement=False),
    Column("experiment_id", Int64(), nullable=False),
    Column("latest", Boolean(), nullable=False),
    *float_columns("value"),
    Column("step", Int64(), nullable=False),
    Column("at_ms", TimeMs(), nullable=False),
    Column("points", Int64(), nullable=False),
    Column("loose", Int64(), nullable=False),
    Column("packed_to", Int64(), nullable=False),
    Index(None, "experiment_id", "key_id", "latest", "value_bits", "run_id"),
    Index(None, "context_id", "key_id"),
)
"""The latest point (greatest step, then time, then value) of each series: a run's key in one context. ``latest`` marks
the one that is the latest of all contexts: it is what a run's metric *is* in searches. ``loose`` counts the
small segments that came since the last compaction, ``packed_to`` is the last full one it made."""

metric_segments = Table(
    "my_metric_segments",
    metadata,
    Column("id", RowId(), primary_key=True),
    Column("run_id", Int64(), nullable=False),
    Column("key_id", Int64(), nullable=False),
    Column("context_id", Int64(), nullable=False),
    Column("count", Int64(), nullable=False, quote=True),
    Column("min_step", Int64(), nullable=False),
    Column("max_step", Int64(), nullable=False),
    Column("min_bits", Int64()),
    Column("max_bits", Int64()),
    Column("data", Blob(), nullable=False),
    Index(None, "run_id", "key_id", "context_id", "id"),
    sqlite_autoincrement=True,
)
"""The history of a series in the order it was logged, many points a row (`segments.py`). The smallest and greatest
value (NaN apart; both NULL when there is none) let a chart of a million points be drawn without reading them."""

inputs = Table(
    "my_inputs",
    metadata,
    Column("id", RowId(), primary_key=True),
    Column("experiment_id", Int64(), nullable=False),
    Column("name", Name(EXPERIMENT_NAME), nullable=False),
    Column("digest", Name(256), nullable=False),
    Column("source_type", Text(), nullable=False),
    Column("source", Text(), nullable=False),
    Column("schema", Text(), nullable=False, quote=True),
    Column("profile", Text(), nullable=False),
    UniqueConstraint("experiment_id", "name", "digest"),
)
"""Data sets as runs name them. ``source`` is text, never opened."""

run_inputs = Table(
    "my_run_inputs",
    metadata,
    Column("run_id", Int64(), primary_key=True, autoincrement=False),
    Column("input_id", Int64(), primary_key=True, autoincrement=False),
    Column("tags", Json(), nullable=False),
    Index(None, "input_id"),
)

run_models = Table(
    "my_run_models",
    metadata,
    Column("run_id", Int64(), primary_key=True, autoincrement=False),
    Column("model_id", Int64(), primary_key=True, autoincrement=False),
    Column("output", Boolean(), primary_key=True),
    Column("step", Int64(), nullable=False),
    Index(None, "model_id"),
)
"""Logged models that a run took (``output`` False) or made."""

logged_models = Table(
    "my_logged_models",
    metadata,
    Column("id", RowId(), primary_key=True),
    Column("model_id", Name(64), nullable=False, unique=True),
    Column("experiment_id", Int64(), nullable=False),
    Column("run_id", Int64(), index=True),
    Column("name", Text(), nullable=False),
    prefix_column("name"),
    Column("type", Text(), nullable=False, quote=True),
    Column("status", Name(16), nullable=False),
    Column("status_message", Text(), nullable=False),
    Column("created_ms", TimeMs(), nullable=False),
    Column("updated_ms", TimeMs(), nullable=False),
    Column("active", Boolean(), nullable=False),
    Column("deleted_ms", TimeMs()),
    Index(None, "experiment_id", "active", "created_ms", "id"),
    Index(None, "experiment_id", "name_prefix"),
    sqlite_autoincrement=True,
)
"""Models that were logged, registered or not; ``run_id`` is the row of the run that made it, if one did."""
