"""Every store keeps the contract: memory, a folder, a bucket, and a database of each kind."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from cases.stores import fsspec, local, memory, sql
from contracts.databases import KINDS, empty, open_new
from modelyard.stores.rows import Database
from modelyard.stores.tables import blob_chunks, blobs
from modelyard.testing.stores import Bench, StoreContract


@pytest.fixture(scope="module", params=KINDS)
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    with open_new(request, tmp_path_factory) as database:
        yield database


class TestMemory(StoreContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return memory.bench(None)


class TestLocal(StoreContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return local.bench(tmp_path / "blobs")


class TestFsspecInMemory(StoreContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return fsspec.bench(f"memory://{secrets.token_hex(6)}/blobs")


class TestFsspecInAFolder(StoreContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return fsspec.bench(f"file://{tmp_path}/blobs")


class TestS3(StoreContract):
    @pytest.fixture
    def bench(self, s3_uri: str) -> Bench:
        return fsspec.bench(s3_uri)


class TestSql(StoreContract):
    @pytest.fixture
    def bench(self, database: Database) -> Bench:
        empty(database, (blobs, blob_chunks))
        return sql.bench(database)
