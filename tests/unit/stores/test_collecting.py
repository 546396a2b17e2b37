"""gc takes what nobody needs and never what somebody needs, whoever comes at whatever moment (P17)."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from modelyard.base.clock import now_ms
from modelyard.base.errors import Conflict, FileMissing
from modelyard.stores import references
from modelyard.stores.collecting import GRACE_MS, Collected, collect
from modelyard.stores.interface import Blob, Store
from modelyard.stores.local import LocalStore
from modelyard.stores.overlay import Artifacts
from modelyard.stores.placing import Stores
from modelyard.stores.references import LEASE_MS, expire_pins, new_pin, refer
from modelyard.stores.rows import Database
from modelyard.stores.tables import blob_marks, blob_refs
from modelyard.testing.stores import MB, content, failures_of_threads, sha256
from unit.stores import workers
from unit.stores.conftest import Start

RUN, OTHER = "run:" + "0" * 32, "run:" + "1" * 32
NO_GRACE = -60_000
"""Also what is put while gc runs is old enough."""


@pytest.fixture(params=["embedded", "folder"])
def files(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> Artifacts:
    return opened(database, "" if request.param == "embedded" else str(tmp_path / "blobs"))


@pytest.fixture
def in_folder(database: Database, tmp_path: Path) -> Artifacts:
    return opened(database, str(tmp_path / "blobs"))


def opened(database: Database, folder: str) -> Artifacts:
    outside = (lambda: LocalStore(folder)) if folder else None
    return Artifacts(database, Stores(database, outside, embed=not folder))


def stored(files: Artifacts) -> set[str]:
    return {blob.sha256 for store in files.stores.all() for blob in store.list()}


def marks(database: Database) -> dict[str, int | None]:
    with database.read() as connection:
        return {row.digest: row.condemned_ms for row in connection.execute(select(blob_marks))}


def test_only_what_nobody_needs_goes(files: Artifacts, database: Database) -> None:
    for path in ("kept", "gone", "gone too"):
        files.put(RUN, path, io.BytesIO(path.encode()))
    files.put(OTHER, "shared", io.BytesIO(b"gone too"))
    files.delete(RUN, "gone")
    files.delete(RUN, "gone too")
    assert collect(files.stores) == Collected(), "within the grace"
    assert collect(files.stores, NO_GRACE, dry_run=True) == Collected(1, 4)
    assert len(stored(files)) == 3
    assert collect(files.stores, NO_GRACE) == Collected(1, 4)
    assert stored(files) == set(marks(database)) == {sha256(b"kept"), sha256(b"gone too")}
    assert collect(files.stores, NO_GRACE) == Collected()
    assert files.put(RUN, "again", io.BytesIO(b"gone")).sha256 == sha256(b"gone")
    assert files.open(RUN, "again").read() == b"gone"


def test_the_grace_counts_from_the_last_put(files: Artifacts, database: Database) -> None:
    for _ in range(2):
        files.put(RUN, "a", io.BytesIO(b"data"))
        files.delete(RUN)
        age(database, 2 * GRACE_MS)
    files.put(RUN, "a", io.BytesIO(b"data"))
    files.delete(RUN)
    assert collect(files.stores).blobs == 0
    age(database, GRACE_MS + 1000)
    assert collect(files.stores).blobs == 1


def age(database: Database, by_ms: int) -> None:
    """Let time pass for all marks."""
    with database.write() as connection:
        connection.execute(update(blob_marks).values(at_ms=blob_marks.c.at_ms - by_ms))


def test_what_nobody_here_put_gets_a_grace_of_its_own(files: Artifacts) -> None:
    store = files.stores.all()[0]
    store.put(io.BytesIO(b"restored by hand"))
    assert collect(files.stores).blobs == 0
    assert stored(files)
    assert collect(files.stores, NO_GRACE).blobs == 1


def test_a_put_without_its_reference_yet_is_pinned_for_a_day(
    files: Artifacts, database: Database
) -> None:
    pin = new_pin()
    blob = files.stores.put(io.BytesIO(b"data"), pin=pin)
    assert collect(files.stores, NO_GRACE).blobs == 0
    files.put_blob(RUN, "a", blob, pin)
    with database.read() as connection:
        assert connection.scalars(select(blob_refs.c.owner)).all() == [RUN]
    left_alone = files.stores.put(io.BytesIO(b"its process died"))
    database.transact(lambda c: expire_pins(c, now_ms() + 1000))
    assert collect(files.stores, NO_GRACE).blobs == 1
    assert stored(files) == {blob.sha256}
    with pytest.raises(FileMissing):
        files.put_blob(RUN, "b", left_alone)
    with pytest.raises(Conflict, match="put it again"):
        database.transact(lambda c: refer(c, RUN, [left_alone.sha256]))


class Halting:
    """A store that lets somebody act at one moment of its work."""

    def __init__(self, store: Store, moment: str, act: Callable[[], Any]) -> None:
        self._store, self._moment, self._act = store, moment, act

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def _at(self, moment: str) -> None:
        if self._moment == moment:
            self._moment = "past"
            self._act()

    def stat(self, sha256: str) -> Blob | None:
        found = self._store.stat(sha256)
        self._at("looked")
        return found

    def put(self, stream: Any, *, expect: Any = None, before: Any = None) -> Blob:
        def told(blob: Blob) -> None:
            self._at("uploaded")
            before(blob)
            self._at("pinned")

        # Its own look for a known blob goes through us, so that the moment after it can be used.
        kind = type(self._store)
        blob = kind.put(_with_stat(self._store, self), stream, expect=expect, before=told)
        self._at("put")
        return blob

    def list(self) -> Iterable[Blob]:
        return list(self._store.list())

    def delete(self, digests: Iterable[str]) -> int:
        self._at("condemned")
        gone = self._store.delete(digests)
        self._at("deleted")
        return gone


def _with_stat(store: Any, halting: Halting) -> Any:
    copy = type(store).__new__(type(store))
    copy.__dict__.update(store.__dict__)
    copy.stat = halting.stat
    return copy


def halting(files: Artifacts, moment: str, act: Callable[[], Any]) -> Artifacts:
    """The same files, through a store that halts."""
    stores = Stores(files.database, None, embed=True)
    store: Any = Halting(files.stores.all()[0], moment, act)
    if files.stores.embedded is not None:
        stores.embedded = store
    else:
        stores.embedded, stores._open_outside = None, lambda: store
    return Artifacts(files.database, stores)


@pytest.mark.parametrize("moment", ["looked", "uploaded", "pinned", "put"])
def test_gc_at_each_moment_of_a_put_of_what_nobody_needed(files: Artifacts, moment: str) -> None:
    """Of a blob that is here, old and unneeded: gc is about to take it, and somebody puts it again."""
    data = content(MB + 5)
    files.put(RUN, "old", io.BytesIO(data))
    files.delete(RUN)
    removed: list[int] = []
    act = lambda: removed.append(collect(files.stores, NO_GRACE).blobs)  # noqa: E731
    halting(files, moment, act).put(RUN, "new", io.BytesIO(data))
    assert removed == ([1] if moment in ("looked", "uploaded") else [0])
    assert files.open(RUN, "new").read() == data
    assert collect(files.stores, NO_GRACE).blobs == 0
    assert files.open(RUN, "new").read() == data


@pytest.mark.parametrize("moment", ["condemned", "deleted"])
def test_a_put_at_each_moment_of_gc_waits_and_keeps_its_bytes(
    in_folder: Artifacts, moment: str
) -> None:
    data = content(MB + 5)
    in_folder.put(RUN, "old", io.BytesIO(data))
    in_folder.delete(RUN)
    putting = threading.Thread(target=lambda: in_folder.put(RUN, "new", io.BytesIO(data)))

    def act() -> None:
        putting.start()
        time.sleep(0.3)  # time enough to get it wrong
        assert putting.is_alive(), "it did not wait for the tombstone"

    assert collect(halting(in_folder, moment, act).stores, NO_GRACE).blobs == 1
    putting.join()
    assert in_folder.open(RUN, "new").read() == data
    assert collect(in_folder.stores, NO_GRACE).blobs == 0


@pytest.mark.parametrize("who", ["a put", "gc"])
def test_the_tombstone_of_a_dead_gc_is_finished(
    in_folder: Artifacts, database: Database, who: str
) -> None:
    data = b"condemned by somebody who died"
    in_folder.put(RUN, "old", io.BytesIO(data))
    in_folder.delete(RUN)
    with database.write() as connection:
        stale = now_ms() - LEASE_MS - 1000
        connection.execute(update(blob_marks).values(condemned_ms=stale))
    if who == "gc":
        collect(in_folder.stores)
        assert stored(in_folder) == set()
        assert marks(database) == {}
    in_folder.put(RUN, "new", io.BytesIO(data))
    assert marks(database) == {sha256(data): None}
    assert in_folder.open(RUN, "new").read() == data


def test_nobody_waits_for_ever(
    in_folder: Artifacts, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelyard.base.errors import Overloaded

    monkeypatch.setattr(references, "_WAIT_SECONDS", 0.2)
    with database.write() as connection:
        row = {"digest": sha256(b"data"), "at_ms": 0, "condemned_ms": now_ms()}
        connection.execute(insert(blob_marks).values(row))
    with pytest.raises(Overloaded, match="just being removed"):
        in_folder.put(RUN, "a", io.BytesIO(b"data"))


def test_gc_against_everybody(files: Artifacts) -> None:
    """Threads put, copy and delete the same few contents while gc runs without any grace."""
    contents = [content(20_000, seed) for seed in range(3)]
    stop = threading.Event()

    def gc() -> None:
        while not stop.is_set():
            collect(files.stores, NO_GRACE)

    def work(number: int) -> None:
        mine, twin = f"run:{number}", f"run:twin-{number}"
        for turn in range(12):
            data = contents[(number + turn) % 3]
            files.put(mine, "a/file", io.BytesIO(data))
            files.copy(mine, twin)
            files.delete(mine)
            assert files.open(twin, "a/file").read() == data
            files.delete(twin)
        files.put(mine, "last", io.BytesIO(contents[number % 3]))

    with failures_of_threads() as collecting:
        collecting(gc)
        try:
            with failures_of_threads() as working:
                for number in range(4):
                    working(lambda number=number: work(number))
        finally:
            stop.set()
    for number in range(4):
        assert files.open(f"run:{number}", "last").read() == contents[number % 3]
    collect(files.stores, NO_GRACE)
    assert stored(files) == {sha256(data) for data in contents}


@pytest.mark.parametrize("kind", ["embedded", "folder"])
def test_gc_against_other_processes(
    kind: str, database_uri: str, tmp_path: Path, start: Start
) -> None:
    from modelyard.stores.rows import connect

    folder = "" if kind == "embedded" else str(tmp_path / "blobs")
    with connect(database_uri) as database:
        files = opened(database, folder)
        putters = [start(workers.put_and_delete, database_uri, folder, n) for n in range(2)]
        ended = 0
        while ended < len(putters):
            collect(files.stores, NO_GRACE)
            ended = sum(putter.exit_code is not None for putter in putters)
        assert [putter.all_it_said() for putter in putters] == [["kept"], ["kept"]]
        collect(files.stores, NO_GRACE)
        for number in range(2):
            assert files.open(f"run:{number}", "last").read() == content(30_000, 0)
        assert len(stored(files)) == 1
