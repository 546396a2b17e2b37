"""Every tracker keeps the contract: a database of each kind, and a hub on one."""

from __future__ import annotations

import io

import pytest

from contracts.databases import KINDS, empty, open_new
from hub_cases.server import hub_thread
from modelyard.base.hub_client import HubClient
from modelyard.stores.placing import Stores
from modelyard.stores.rows import connect
from modelyard.stores.tables import requests
from modelyard.testing.tracker_bench import Bench
from modelyard.testing.tracker_receiving import ReceivingContract
from modelyard.testing.trackers import TrackerContract
from modelyard.tracking import tables
from modelyard.tracking.http import HttpTracker
from modelyard.tracking.sql import SqlTracker

TABLES = (
    tables.run_inputs, tables.run_models, tables.inputs, tables.metric_segments, tables.metrics,
    tables.metric_contexts, tables.pairs, tables.logged_models, tables.runs, tables.experiments, tables.spools, requests,
)  # fmt: skip


@pytest.fixture(scope="module", params=KINDS)
def database(request, tmp_path_factory):
    with open_new(request, tmp_path_factory) as database:
        yield database


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    file = tmp_path_factory.mktemp("hub") / "yard.db"
    with hub_thread(file) as url, connect(file) as database:
        yield url, database


class TestSql(TrackerContract, ReceivingContract):
    @pytest.fixture
    def bench(self, database) -> Bench:
        empty(database, TABLES)
        return Bench(SqlTracker(database), lambda: SqlTracker(database))

    @pytest.fixture
    def put(self, database):
        return lambda data: Stores(database, None, embed=True).put(io.BytesIO(data))


class TestHttp(TrackerContract, ReceivingContract):
    """The same through a hub: its client and its server at once."""

    @pytest.fixture
    def bench(self, hub):
        url, database = hub
        empty(database, TABLES)
        SqlTracker(database)  # founds the experiment Default again
        with HubClient(url) as client:
            yield Bench(HttpTracker(client), lambda: HttpTracker(client))

    @pytest.fixture
    def put(self, hub):
        _, database = hub
        return lambda data: Stores(database, None, embed=True).put(io.BytesIO(data))
