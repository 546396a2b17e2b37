"""Every store keeps the contract: memory, a folder, and a database of each kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from cases.stores import local, memory, sql
from modelyard.testing.stores import Bench, StoreContract


class TestMemory(StoreContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return memory.bench(None)


class TestLocal(StoreContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return local.bench(tmp_path / "blobs")


class TestSql(StoreContract):
    @pytest.fixture
    def bench(self, database) -> Bench:
        return sql.bench(database)
