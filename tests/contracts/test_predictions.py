"""Every prediction log keeps the contract: memory, and a database of each kind."""

from __future__ import annotations

import pytest

from cases.predictions import memory, sql
from contracts.databases import KINDS, empty, open_new
from modelyard.predictions.tables import predictions
from modelyard.testing.predictions import Bench, PredictionLogContract


@pytest.fixture(scope="module", params=KINDS)
def database(request, tmp_path_factory):
    with open_new(request, tmp_path_factory) as database:
        yield database


class TestMemory(PredictionLogContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return memory.bench()


class TestSql(PredictionLogContract):
    @pytest.fixture
    def bench(self, database) -> Bench:
        empty(database, [predictions])
        return sql.bench(database)
