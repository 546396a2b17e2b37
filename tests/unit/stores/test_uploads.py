"""Uploads in parts: any order, at once, again, broken off; what comes out is whole and verified or not there."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from modelyard.base.clock import now_ms
from modelyard.base.errors import (
    Conflict,
    Corrupted,
    DigestMismatch,
    FileMissing,
    InvalidInput,
    InvalidPath,
    NotFound,
)
from modelyard.stores.collecting import collect
from modelyard.stores.local import LocalStore
from modelyard.stores.overlay import Artifacts
from modelyard.stores.placing import Stores
from modelyard.stores.rows import Database, connect
from modelyard.stores.tables import blob_chunks, blob_refs, upload_parts, uploads
from modelyard.stores.uploads import Uploads
from modelyard.testing.stores import MB, Dripping, content, failures_of_threads, sha256

RUN = "run:" + "0" * 32


@pytest.fixture(params=["embedded", "folder"])
def files(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> Artifacts:
    if request.param == "embedded":
        return Artifacts(database)
    return Artifacts(
        database, Stores(database, lambda: LocalStore(tmp_path / "blobs"), embed=False)
    )


def rows_left(database: Database) -> list[int]:
    """Of uploads, parts and references."""
    with database.read() as connection:
        tables = (uploads, upload_parts, blob_refs)
        return [connection.scalar(select(func.count()).select_from(t)) or 0 for t in tables]


def test_parts_in_any_order_and_sent_again_make_the_file(files: Artifacts) -> None:
    data = content(3 * MB + 17)
    pieces = {n: data[(n - 1) * MB : n * MB] for n in range(1, 5)}
    ours = Uploads(files)
    upload = ours.begin(RUN, "model/weights.bin", size=len(data), sha256=sha256(data))
    ours.put_part(upload.id, 3, io.BytesIO(b"a first try, broken"))
    for number in (3, 1, 4, 1, 2):
        stream: Any = Dripping(pieces[number])
        part = ours.put_part(upload.id, number, stream)
        assert part.sha256 == sha256(pieces[number])
        assert list(files.walk(RUN)) == []
    state = Uploads(files).get(upload.id)
    assert [part.number for part in state.parts] == [1, 2, 3, 4]
    assert (state.received, state.size, state.done) == (len(data), len(data), None)
    entry = ours.complete(upload.id)
    assert (entry.path, entry.size, entry.sha256) == ("model/weights.bin", len(data), sha256(data))
    assert ours.complete(upload.id) == entry
    assert files.open(RUN, "model/weights.bin").read() == data
    assert [blob.sha256 for store in files.stores.all() for blob in store.list()] == [sha256(data)]
    with pytest.raises(InvalidInput, match="complete"):
        ours.put_part(upload.id, 5, io.BytesIO(b"late"))


def test_parts_at_once(files: Artifacts) -> None:
    data = content(6 * MB, seed=3)
    ours = Uploads(files)
    upload = ours.begin(RUN, "a")
    with failures_of_threads() as run:
        for n in (1, 2, 3, 4, 5, 6, 2, 4):
            piece = data[(n - 1) * MB : n * MB]
            run(lambda n=n, piece=piece: ours.put_part(upload.id, n, io.BytesIO(piece)))
    with failures_of_threads() as run:
        for _ in range(3):
            run(lambda: ours.complete(upload.id))
    assert files.open(RUN, "a").read() == data


def test_what_does_not_fit_is_refused_and_nothing_is_seen(
    files: Artifacts, database: Database
) -> None:
    ours = Uploads(files)
    for path in ("../x", "a//b", ""):
        with pytest.raises(InvalidPath):
            ours.begin(RUN, path)
    with pytest.raises(InvalidInput):
        ours.begin("nobody", "a")
    with pytest.raises(InvalidInput):
        ours.begin(RUN, "a", sha256="x")
    gaps = ours.begin(RUN, "a")
    for number in (0, -1, 10_001):
        with pytest.raises(InvalidInput, match="numbered from 1"):
            ours.put_part(gaps.id, number, io.BytesIO(b"x"))
    with pytest.raises(InvalidInput, match="no parts"):
        ours.complete(gaps.id)
    ours.put_part(gaps.id, 1, io.BytesIO(b"x"))
    ours.put_part(gaps.id, 3, io.BytesIO(b"x"))
    with pytest.raises(InvalidInput, match="lacks part 2"):
        ours.complete(gaps.id)
    short = ours.begin(RUN, "a", size=5)
    ours.put_part(short.id, 1, io.BytesIO(b"four"))
    with pytest.raises(InvalidInput, match="5 bytes were announced, and 4 came"):
        ours.complete(short.id)
    for pieces in ([b"other"], [b"ot", b"her"]):
        other = ours.begin(RUN, "a", sha256=sha256(b"announced"))
        for number, piece in enumerate(pieces, 1):
            ours.put_part(other.id, number, io.BytesIO(piece))
        with pytest.raises(DigestMismatch):
            ours.complete(other.id)
    files.put(RUN, "folder/x", io.BytesIO(b"1"))
    blocked = ours.begin(RUN, "folder")
    ours.put_part(blocked.id, 1, io.BytesIO(b"1"))
    with pytest.raises(Conflict):
        ours.complete(blocked.id)
    assert [entry.path for entry in files.walk(RUN)] == ["folder/x"]


def test_an_empty_file(files: Artifacts) -> None:
    upload = Uploads(files).begin(RUN, "empty", size=0)
    assert Uploads(files).complete(upload.id).size == 0
    assert files.open(RUN, "empty").read() == b""


def test_a_part_that_breaks_off_is_sent_again(files: Artifacts) -> None:
    data = content(MB)
    ours = Uploads(files)
    upload = ours.begin(RUN, "a", sha256=sha256(data))
    for breaks_at in (0, 1, MB // 2, MB):
        stream: Any = Dripping(data, breaks_at=breaks_at)
        with pytest.raises(ConnectionResetError):
            ours.put_part(upload.id, 1, stream, size=MB)
        assert ours.get(upload.id).parts == ()
    ours.put_part(upload.id, 1, io.BytesIO(data), size=MB)
    assert ours.complete(upload.id).sha256 == sha256(data)


def test_a_part_damaged_on_the_disk_never_becomes_a_file(
    database: Database, tmp_path: Path
) -> None:
    store = LocalStore(tmp_path / "blobs")
    files = Artifacts(database, Stores(database, lambda: store, embed=False))
    ours = Uploads(files)
    upload = ours.begin(RUN, "a")
    part = ours.put_part(upload.id, 1, io.BytesIO(content(MB)))
    ours.put_part(upload.id, 2, io.BytesIO(b"end"))
    file = store.root / "files" / part.sha256[:2] / part.sha256[2:]
    file.chmod(0o644)
    file.write_bytes(content(MB, seed=9))
    with pytest.raises(Corrupted, match=part.sha256):
        ours.complete(upload.id)
    with pytest.raises(FileMissing):
        files.open(RUN, "a")


def test_giving_up_and_being_forgotten(files: Artifacts, database: Database) -> None:
    ours = Uploads(files)
    given_up, old = ours.begin(RUN, "a"), ours.begin(RUN, "b")
    for upload in (given_up, old):
        ours.put_part(upload.id, 1, io.BytesIO(content(MB)))
    ours.abort(given_up.id)
    ours.abort(given_up.id)
    with pytest.raises(NotFound):
        ours.put_part(given_up.id, 2, io.BytesIO(b"x"))
    assert ours.sweep() == 0
    assert ours.get(old.id).received == MB
    assert ours.sweep(before_ms=now_ms() + 1000) == 1
    assert rows_left(database) == [0, 0, 0]
    assert [blob for store in files.stores.all() for blob in store.list()] == []


def test_parts_are_safe_from_gc(files: Artifacts) -> None:
    data = content(2 * MB)
    ours = Uploads(files)
    upload = ours.begin(RUN, "a")
    ours.put_part(upload.id, 1, io.BytesIO(data[:MB]))
    collect(files.stores, -10_000)
    ours.put_part(upload.id, 2, io.BytesIO(data[MB:]))
    collect(files.stores, -10_000)
    assert ours.complete(upload.id).sha256 == sha256(data)


def test_unknown_lengths_land_on_the_right_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At, below and above the limit; whichever way they come they are found again."""
    from modelyard.stores import placing

    monkeypatch.setattr(placing, "EMBEDDED", 3 * MB)
    with connect(tmp_path / "yard.db") as database:
        stores = Stores(database, lambda: LocalStore(tmp_path / "blobs"), embed=True)
        files = Artifacts(database, stores)
        for size in (0, 1, 3 * MB - 1, 3 * MB, 3 * MB + 1, 5 * MB + random.randrange(MB)):
            data = content(size, seed=size)
            stream: Any = Dripping(data)
            entry = files.put(RUN, f"f{size}", stream)
            assert entry.sha256 == sha256(data)
            assert stores.of(size).stat(sha256(data)) is not None
            assert files.open(RUN, f"f{size}").read() == data
        assert len(list(LocalStore(tmp_path / "blobs").list())) == 2
        with database.read() as connection:
            held = connection.scalar(select(func.sum(func.length(blob_chunks.c.data))))
        assert held == 6 * MB
        inside = content(4 * MB, seed=99)  # as in a yard that was copied into one file
        stores.embedded.put(io.BytesIO(inside))  # type: ignore[union-attr]
        blob = stores.stat(sha256(inside))
        assert blob
        with pytest.raises(Conflict):  # nobody marked it
            files.put_blob(RUN, "inside", blob)
        files.put(RUN, "inside", io.BytesIO(inside))
        assert files.open(RUN, "inside").read() == inside
        assert list(files.problems()) == []
