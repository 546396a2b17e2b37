"""Every tracker keeps the contract: a database of each kind."""

from __future__ import annotations

import pytest

from contracts.databases import KINDS, empty, open_new
from modelyard.stores.tables import requests
from modelyard.testing.tracker_bench import Bench
from modelyard.testing.trackers import TrackerContract
from modelyard.tracking import tables
from modelyard.tracking.sql import SqlTracker

TABLES = (
    tables.run_inputs, tables.run_models, tables.inputs, tables.metric_segments, tables.metrics,
    tables.metric_contexts, tables.pairs, tables.logged_models, tables.runs, tables.experiments, requests,
)  # fmt: skip


@pytest.fixture(scope="module", params=KINDS)
def database(request, tmp_path_factory):
    with open_new(request, tmp_path_factory) as database:
        yield database


class TestSql(TrackerContract):
    @pytest.fixture
    def bench(self, database) -> Bench:
        empty(database, TABLES)
        return Bench(SqlTracker(database), lambda: SqlTracker(database))
