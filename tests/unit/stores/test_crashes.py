"""Blob stores and dying processes: what was acknowledged is there whole, and nothing else is seen (P1, P4)."""

from __future__ import annotations

import io
import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from modelyard.base.clock import now_ms
from modelyard.base.errors import FileMissing, InvalidPath, StorageFull
from modelyard.stores import open_store
from modelyard.stores.interface import Blob, Store
from modelyard.stores.local import LocalStore
from modelyard.stores.rows import Database, connect
from modelyard.stores.sql import SqlStore
from modelyard.stores.tables import blob_chunks, blobs
from modelyard.testing.stores import MB, content, sha256
from unit.stores import workers
from unit.stores.conftest import Start


@pytest.fixture(
    params=[
        "local",
        "sqlite",
        pytest.param("postgres", marks=pytest.mark.postgres),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ]
)
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty store that several processes can open."""
    if request.param == "local":
        return str(tmp_path / "blobs")
    return request.getfixturevalue(f"{request.param}_uri")


def test_a_put_that_is_killed_is_never_seen(location: str, start: Start) -> None:
    acknowledged = []
    open_store(location).close()
    for number in range(3):
        putter = start(workers.put_blobs, location, 9 * MB + number)
        acknowledged += [putter.hear() for _ in range(number)]
        until(lambda: pieces(location) > 0)  # in the middle of one
        putter.kill()
        acknowledged += putter.all_it_said()
    store = open_store(location)
    for blob in store.list():
        with store.open(blob.sha256) as stream:
            assert len(stream.read()) == blob.size
    assert {blob.sha256 for blob in store.list()} >= set(acknowledged)
    store.sweep(before_ms=now_ms() + 1000)
    assert pieces(location) == 0
    for digest in acknowledged:
        store.open(digest).read()
    store.close()


def pieces(location: str) -> int:
    """How much of unfinished uploads lies around."""
    if "://" not in location:
        return len(list(Path(location, "uploads").glob("*")))
    with connect(location) as database, database.read() as connection:
        ready = select(blobs.c.upload_id)
        query = select(blob_chunks.c.position).where(blob_chunks.c.upload_id.not_in(ready))
        return len(connection.execute(query).all())


def until(condition: Callable[[], bool]) -> None:
    """Ask again and again."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "it never came true"


def test_processes_that_put_the_same_blob_at_once(location: str, start: Start) -> None:
    open_store(location).close()
    putters = [start(workers.put_same, location, 10 * MB) for _ in range(4)]
    for putter in putters:
        assert putter.hear() == "ready"
    for putter in putters:
        putter.tell("go")
    digest = sha256(content(10 * MB))
    assert [putter.hear() for putter in putters] == [digest] * 4
    store = open_store(location)
    assert [blob.sha256 for blob in store.list()] == [digest]
    assert store.open(digest).read() == content(10 * MB)
    assert pieces(location) == 0
    store.close()


def test_only_old_leftovers_are_swept(database: Database) -> None:
    store = SqlStore(database)
    kept = store.put(io.BytesIO(content(MB)))
    with database.write() as connection:
        for upload_id, at_ms in (("0" * 32, 1), ("1" * 32, now_ms())):
            row = {"upload_id": upload_id, "position": 0, "at_ms": at_ms, "data": b"half"}
            connection.execute(insert(blob_chunks).values(row))
    assert store.sweep() == 1
    assert store.sweep(before_ms=now_ms() + 1000) == 1
    assert store.open(kept.sha256).read() == content(MB)


def test_only_old_leftovers_of_a_folder_are_swept(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    kept = store.put(io.BytesIO(b"kept"))
    for name, age in (("old", 100_000), ("new", 0)):
        path = tmp_path / "uploads" / name
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age, time.time() - age))
    assert store.sweep() == 1
    assert [p.name for p in (tmp_path / "uploads").iterdir()] == ["new"]
    assert store.open(kept.sha256).read() == b"kept"


def test_a_blob_deleted_while_it_is_read(database: Database) -> None:
    store = SqlStore(database)
    digest = store.put(io.BytesIO(content(3 * MB))).sha256
    with store.open(digest) as stream:
        stream.read(10)
        store.delete([digest])
        with pytest.raises(FileMissing, match="deleted while it was read"):
            stream.read()


def test_blobs_of_a_folder_are_read_only_and_no_links(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "blobs")
    digest = store.put(io.BytesIO(b"content")).sha256
    file = tmp_path / "blobs" / "files" / digest[:2] / digest[2:]
    assert file.stat().st_mode & 0o777 == 0o444
    secret = tmp_path / "secret"
    secret.write_bytes(b"content")
    file.unlink()
    file.symlink_to(secret)
    assert store.stat(digest) is None
    assert list(store.list()) == []
    with pytest.raises(InvalidPath, match="link"):
        store.open(digest)
    assert store.put(io.BytesIO(b"content")).sha256 == digest
    assert not file.is_symlink()


def fill_up(store: Store, kept: list[Blob]) -> None:
    """Put blobs until there is no room; note those that are acknowledged."""
    for seed in itertools.count():
        kept.append(store.put(io.BytesIO(content(2 * MB + 1, seed))))


@pytest.mark.parametrize("kind", ["local", "sql"])
def test_a_full_disk(kind: str, small_disk: Path) -> None:
    """P12: named, reading goes on, and so does writing when there is room again."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(13 * MB))  # more than a log that waits to be moved into the file
    place = small_disk / ("blobs" if kind == "local" else "yard.db")
    store = open_store(str(place) if kind == "local" else f"sqlite:///{place}")
    kept: list[Blob] = []
    with pytest.raises(StorageFull, match="no space left"):
        fill_up(store, kept)
    assert len(kept) > 2
    assert set(store.list()) == set(kept)
    for seed, blob in enumerate(kept):
        assert store.open(blob.sha256).read() == content(2 * MB + 1, seed)
    ballast.unlink()
    assert store.delete([blob.sha256 for blob in kept[:2]]) == 2
    again = store.put(io.BytesIO(content(2 * MB + 1, 999)))
    assert store.open(again.sha256).read() == content(2 * MB + 1, 999)
    store.close()
