"""Files of runs through dying processes, flipped bits and full disks (P4, P5, P12)."""

from __future__ import annotations

import io
import itertools
import os
from pathlib import Path
from typing import IO, Any

import pytest
from sqlalchemy import select

from modelyard.base.clock import now_ms
from modelyard.base.errors import Corrupted, FileMissing, StorageFull
from modelyard.stores.collecting import collect
from modelyard.stores.interface import Store
from modelyard.stores.overlay import Artifacts
from modelyard.stores.references import expire_pins
from modelyard.stores.rows import Database, connect
from modelyard.stores.tables import blob_chunks, blob_refs, blobs
from modelyard.stores.uploads import Uploads
from modelyard.testing.stores import MB, Dripping, content, sha256
from unit.stores import workers
from unit.stores.conftest import Start

RUN = "run:0"
SIZE = 10 * MB + 3
OFFSETS = [0, 1, 99_999, *range(MB // 2, SIZE, MB), 8 * MB, 8 * MB + 1, SIZE - 1, SIZE]
MOMENTS = ["pinned", "published", "placing"]
"""Of a put, after its last byte."""


@pytest.fixture(params=["embedded", "folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the bytes are; empty means in the database."""
    if request.param == "bucket":
        return request.getfixturevalue("s3_uri")
    return "" if request.param == "embedded" else str(tmp_path / "blobs")


def leftovers(files: Artifacts) -> list[Any]:
    """What of uploads lies around in a store."""
    (store,) = files.stores.all()
    if (root := getattr(store, "root", None)) is None:
        with files.database.read() as connection:
            ready = select(blobs.c.upload_id)
            query = select(blob_chunks.c.position).where(blob_chunks.c.upload_id.not_in(ready))
            return list(connection.scalars(query))
    if hasattr(store, "filesystem"):
        from cases.stores.fsspec import unfinished

        return [None] * unfinished(store)  # type: ignore[arg-type]
    return list(Path(root, "uploads").glob("*"))


def janitor(files: Artifacts) -> None:
    """What runs once a day, a day later."""
    later = now_ms() + 60_000
    files.database.transact(lambda connection: expire_pins(connection, later))
    for store in files.stores.all():
        store.sweep(later)
    collect(files.stores, -60_000)


def started(start: Start, target: Any, *arguments: Any) -> Any:
    """A worker that knows where the S3 server is."""
    worker = start(target, *arguments)
    worker.tell({name: value for name, value in os.environ.items() if name.startswith("AWS_")})
    return worker


@pytest.mark.slow
def test_an_upload_killed_at_any_byte_leaves_the_old_file(
    place: str, sqlite_uri: str, start: Start
) -> None:
    files = workers.artifacts(sqlite_uri, place)
    old = files.put(RUN, "model.bin", io.BytesIO(b"old"))
    offsets = OFFSETS[::4] if place.startswith("s3:") else OFFSETS  # a process there starts slowly
    for point in [*offsets, *MOMENTS]:
        worker = started(start, workers.put_and_die, sqlite_uri, place, SIZE, point)
        assert worker.all_it_said() == ["putting"]
        assert worker.exit_code == -9, point
        assert list(files.walk(RUN)) == [old]
        assert files.open(RUN, "model.bin").read() == b"old"
    assert leftovers(files)
    janitor(files)
    assert leftovers(files) == []
    (store,) = files.stores.all()
    assert [blob.sha256 for blob in store.list()] == [old.sha256]
    with files.database.read() as connection:
        assert connection.scalars(select(blob_refs.c.owner)).all() == [RUN]
    new = files.put(RUN, "model.bin", io.BytesIO(content(SIZE)))
    assert files.open(RUN, "model.bin").read() == content(SIZE)
    assert list(files.walk(RUN)) == [new]


def test_an_upload_in_parts_goes_on_after_a_kill(place: str, sqlite_uri: str, start: Start) -> None:
    files = workers.artifacts(sqlite_uri, place)
    data = content(4 * MB + 9)
    ours = Uploads(files)
    upload = ours.begin(RUN, "model.bin", size=len(data), sha256=sha256(data))
    for number in range(1, 6):
        worker = started(start, workers.put_part_and_die, sqlite_uri, place, upload.id, number)
        assert worker.all_it_said() == ["acknowledged"]
        assert worker.exit_code == -9
        assert [part.number for part in ours.get(upload.id).parts] == list(range(1, number + 1))
        assert list(files.walk(RUN)) == []
    for moment in MOMENTS:
        worker = started(start, workers.complete_and_die, sqlite_uri, place, upload.id, moment)
        worker.all_it_said()
        assert worker.exit_code == -9
        assert list(files.walk(RUN)) == []
    assert ours.complete(upload.id).sha256 == sha256(data)
    assert files.open(RUN, "model.bin").read() == data


def flip(files: Artifacts, digest: str, at: int) -> None:
    """Change one bit of a stored blob behind everybody's back."""
    from cases.stores import fsspec, local, sql

    (store,) = files.stores.all()
    if (root := getattr(store, "root", None)) is None:
        sql.bench(files.database).damage(digest, at)
    elif hasattr(store, "filesystem"):
        fsspec.bench(store.shown).damage(digest, at)  # type: ignore[attr-defined]
    else:
        local.bench(Path(root)).damage(digest, at)


def test_a_flipped_bit_is_never_served_as_good(place: str, sqlite_uri: str) -> None:
    files = workers.artifacts(sqlite_uri, place)
    data = content(2 * MB + 7)
    entry = files.put(RUN, "plots/big.bin", io.BytesIO(data))
    files.put(RUN, "good", io.BytesIO(b"good"))
    digest = entry.sha256 or ""
    for at in (0, MB, len(data) - 1):
        flip(files, digest, at)
        with files.open(RUN, "plots/big.bin") as stream, pytest.raises(Corrupted, match=digest):
            read_all(stream)
        assert files.users(digest) == [f"{RUN}: plots/big.bin"]
        flip(files, digest, at)
    assert files.open(RUN, "plots/big.bin").read() == data


def test_a_missing_blob_is_named(place: str, sqlite_uri: str) -> None:
    files = workers.artifacts(sqlite_uri, place)
    entry = files.put(RUN, "a/b.bin", io.BytesIO(b"data"))
    assert list(files.problems()) == []
    store: Store = files.stores.all()[0]
    store.delete([entry.sha256 or ""])
    assert list(files.problems()) == [f"{RUN}: its file 'a/b.bin' is missing"]
    with pytest.raises(FileMissing):
        files.open(RUN, "a/b.bin")


def read_all(stream: IO[bytes]) -> None:
    """To the end, in pieces."""
    while stream.read(100_000):
        pass


def fill_up(files: Artifacts, kept: list[str]) -> None:
    """Put files until there is no room; note those that are acknowledged."""
    for seed in itertools.count():
        stream: Any = Dripping(content(2 * MB + 1, seed))
        files.put(RUN, f"f{seed}", stream)
        kept.append(f"f{seed}")


@pytest.mark.parametrize("kind", ["embedded", "folder"])
def test_a_full_disk_stops_uploads_and_nothing_else(kind: str, small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(12 * MB))
    folder = str(small_disk / "blobs") if kind == "folder" else ""
    files = workers.artifacts(f"sqlite:///{small_disk / 'yard.db'}", folder)
    kept: list[str] = []
    with pytest.raises(StorageFull, match="no space left"):
        fill_up(files, kept)
    assert len(kept) >= 2
    assert [entry.path for entry in files.walk(RUN)] == sorted(kept)
    for name in kept:
        assert files.open(RUN, name).read() == content(2 * MB + 1, int(name[1:]))
    ballast.unlink()
    files.delete(RUN, kept[0])
    files.put(RUN, "again", io.BytesIO(content(2 * MB + 1, 999)))
    assert files.open(RUN, "again").read() == content(2 * MB + 1, 999)
    files.database.close()


def test_a_full_temporary_folder_is_named_too(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a stream of unknown length waits until it is clear where it belongs."""
    import tempfile

    from modelyard.stores.local import LocalStore
    from modelyard.stores.placing import Stores

    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    database: Database = connect(tmp_path / "yard.db")
    files = Artifacts(database, Stores(database, lambda: LocalStore(tmp_path / "b"), embed=True))
    stream: Any = Dripping(bytes(30 * MB))
    with pytest.raises(StorageFull, match="no space left"):
        files.put(RUN, "a", stream)
    assert list(files.walk(RUN)) == []
    database.close()
