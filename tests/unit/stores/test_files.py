"""A database file through crashes, copies, full disks and wrong hands."""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text, update

from modelyard.base.errors import (
    AlreadyExists,
    FileMissing,
    ForeignSchema,
    InvalidInput,
    ModelyardError,
    NotFound,
    NotSupported,
    StorageFull,
)
from modelyard.stores import open_store
from modelyard.stores.rows import Database, connect
from modelyard.stores.rows.columns import Blob, Int64
from modelyard.testing.stores import content
from servers import account
from unit.stores import workers
from unit.stores.conftest import Start
from unit.stores.workers import acks

accounts = Table(
    "my_test_accounts",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("amount", Int64()),
    Column("ballast", Blob()),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "yard.db"


@pytest.fixture
def acked(path: Path) -> Path:
    """A database with an empty table of acknowledgements."""
    with connect(str(path)) as database, database.write() as connection:
        acks.create(connection)
    return path


def numbers(path: Path, writer: int = 0) -> list[int]:
    with connect(str(path), create=False) as database, database.read() as connection:
        query = select(acks.c.number).where(acks.c.writer == writer).order_by(acks.c.number)
        return list(connection.execute(query).scalars())


def pragmas(path: Path) -> dict[str, object]:
    with sqlite3.connect(path) as connection:
        names = ("page_size", "auto_vacuum", "journal_mode")
        found = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names}
    connection.close()
    return found


SETTLED = {"page_size": 16384, "auto_vacuum": 2, "journal_mode": "wal"}


@pytest.mark.parametrize("spelling", ["{}", "sqlite:///{}"])
def test_a_new_file_has_the_measured_settings(path: Path, spelling: str) -> None:
    with connect(spelling.format(path)) as database, database.read() as connection:
        for pragma, value in (("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 60_000)):
            assert connection.execute(text(f"PRAGMA {pragma}")).scalar() == value
        assert connection.execute(text("SELECT 'A' LIKE 'a'")).scalar() == 0
    assert pragmas(path) == SETTLED


def test_an_empty_file_becomes_a_database(path: Path) -> None:
    path.touch()
    connect(str(path)).close()
    assert pragmas(path) == SETTLED


def test_a_closed_database_is_one_file(acked: Path, tmp_path: Path) -> None:
    """Also while another process, or another connection as here, still has it open."""
    with connect(str(acked)) as other, other.read() as reading:
        reading.execute(text("SELECT 1"))
        with connect(str(acked)) as database, database.write() as connection:
            connection.execute(insert(acks).values(writer=0, number=7))
        copy = Path(shutil.copy(acked, tmp_path / "copy.db"))
        assert numbers(copy) == [7]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy.db", "yard.db"]


def test_a_process_that_ends_leaves_one_file(acked: Path, tmp_path: Path) -> None:
    with connect(str(acked)):  # keeps the log alive: the last to close would empty it anyway
        subprocess.run([sys.executable, workers.__file__, acked], check=True)
        copy = Path(shutil.copy(acked, tmp_path / "copy.db"))
    assert numbers(copy) == [7]


def test_a_checkpoint_waits_for_no_reader_for_ever(acked: Path) -> None:
    with connect(str(acked)) as database:
        with database.read() as reading:
            reading.execute(select(acks)).all()
            with database.write() as connection:
                connection.execute(insert(acks).values(writer=0, number=1))
            assert database.checkpoint() is False
        assert database.checkpoint() is True
    assert numbers(acked) == [1]


def test_an_acknowledged_write_survives_sigkill(acked: Path, start: Start) -> None:
    """P1: four writers, each killed at some moment of its work."""
    writers = [start(workers.write_rows, str(acked), number) for number in range(4)]
    for number, writer in enumerate(writers):
        acknowledged = [writer.hear() for _ in range(number * 3 + 1)]
        writer.kill()
        acknowledged += writer.all_it_said()
        assert set(acknowledged) <= set(numbers(acked, number))
    with connect(str(acked)) as database:
        assert database.integrity() == []


def test_a_backup_under_load_is_one_moment(path: Path, tmp_path: Path) -> None:
    """P19: money moves between two accounts in other connections; in every copy the sum is the same."""
    stop = threading.Event()
    database = connect(str(path))
    with database.write() as connection:
        accounts.create(connection)
        rows = [{"id": n, "amount": 500, "ballast": os.urandom(1 << 20)} for n in range(8)]
        connection.execute(insert(accounts), rows)

    def move() -> None:
        while not stop.is_set():
            with database.write() as connection:
                for number, change in ((0, -1), (7, 1)):
                    new = {"amount": accounts.c.amount + change, "ballast": os.urandom(1 << 18)}
                    connection.execute(update(accounts).where(accounts.c.id == number).values(new))

    mover = threading.Thread(target=move)
    mover.start()
    try:
        for number in range(5):
            database.backup(tmp_path / f"copy{number}.db")
    finally:
        stop.set()
        mover.join()
        database.close()
    for number in range(5):
        with connect(str(tmp_path / f"copy{number}.db"), create=False) as copy:
            assert copy.integrity() == []
            with copy.read() as connection:
                assert sum(connection.execute(select(accounts.c.amount)).scalars()) == 4000


def test_a_backup_overwrites_nothing(acked: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "old.db-wal").write_text("the log of a file that is gone")
    with connect(str(acked)) as database:
        for name in ("notes.txt", "yard.db", "old.db"):
            with pytest.raises(AlreadyExists):
                database.backup(tmp_path / name)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert numbers(acked) == []


@pytest.mark.postgres
def test_a_server_is_backed_up_by_its_own_tool(postgres_uri: str, tmp_path: Path) -> None:
    with connect(postgres_uri) as database, pytest.raises(NotSupported, match="pg_dump"):
        database.backup(tmp_path / "copy")


def test_damage_is_found(acked: Path) -> None:
    with connect(str(acked)) as database, database.write() as connection:
        connection.execute(insert(acks), [{"writer": 1, "number": n} for n in range(20_000)])
    data = bytearray(acked.read_bytes())
    data[-3 * 16384 :] = bytes(3 * 16384)  # rows alone: what opening reads stands before them
    acked.write_bytes(data)
    with connect(str(acked)) as database:
        assert database.integrity() != []


def test_no_flipped_bit_of_the_file_makes_a_wrong_blob(tmp_path: Path) -> None:
    """P5: wherever it hits, the blob comes back as it was, or an error says what is wrong."""
    data, path = content(500_000), tmp_path / "yard.db"
    store = open_store(f"sqlite:///{path}")
    digest = store.put(io.BytesIO(data)).sha256
    store.close()
    good, found = path.read_bytes(), set[str]()
    chance = random.Random(5)
    start = good.index(data[:1000])  # some bits of the blob itself, some anywhere
    places = [start + chance.randrange(60_000) for _ in range(10)]
    for place in (*places, *(chance.randrange(len(good)) for _ in range(40))):
        damaged = bytearray(good)
        damaged[place] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        found.add(read_back(path, digest, data))
    assert found >= {"as it was", "Corrupted"}


def read_back(path: Path, digest: str, data: bytes) -> str:
    """What became of a blob."""
    try:
        store = open_store(f"sqlite:///{path}")
        with contextlib.closing(store), store.open(digest) as stream:
            assert stream.read() == data
    except ModelyardError as error:
        return type(error).__name__
    return "as it was"


def test_a_dangling_reference_is_found(path: Path) -> None:
    with connect(str(path)) as database:
        with database.write() as connection:
            connection.execute(text("CREATE TABLE my_a (id INTEGER PRIMARY KEY)"))
            connection.execute(text("CREATE TABLE my_b (a INTEGER REFERENCES my_a(id))"))
        with sqlite3.connect(path) as raw:
            raw.execute("INSERT INTO my_b VALUES (5)")
        raw.close()
        assert database.integrity() == ["row 1 of my_b points to a row of my_a that is gone"]


FOREIGN = {
    "MLflow": ["alembic_version", "experiments", "runs", "metrics"],
    "mlops-lite": ["dataset_registry", "deployable_registry", "alembic_version"],
    "another program": ["customers"],
}


@pytest.mark.parametrize("program", FOREIGN)
def test_a_database_of_somebody_else_is_left_alone(path: Path, program: str) -> None:
    with sqlite3.connect(path) as raw:
        for name in FOREIGN[program]:
            raw.execute(f"CREATE TABLE {name} (id INTEGER)")
    raw.close()
    before = path.read_bytes()
    for create in (True, False):
        with pytest.raises(ForeignSchema, match=program) as caught:
            connect(str(path), create=create)
        assert caught.value.hint
    assert path.read_bytes()[100:] == before[100:]


@pytest.mark.postgres
def test_a_server_database_of_somebody_else_is_left_alone(postgres_uri: str) -> None:
    import psycopg

    with psycopg.connect(postgres_uri) as raw:
        raw.execute("CREATE TABLE customers (id INTEGER)")
    with pytest.raises(ForeignSchema, match="customers"):
        connect(postgres_uri)


def test_what_is_no_database_is_left_alone(path: Path) -> None:
    path.write_text("id,name\n1,iris\n")
    with pytest.raises(ForeignSchema, match="is not a database"):
        connect(str(path))
    assert path.read_text() == "id,name\n1,iris\n"


def test_nothing_is_made_unasked(tmp_path: Path, database_uri: str) -> None:
    with pytest.raises(NotFound):
        connect(database_uri, create=False)
    with pytest.raises(FileMissing, match="no folder"):
        connect(str(tmp_path / "missing" / "yard.db"))
    with pytest.raises(InvalidInput, match="is a folder"):
        connect(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="rights are another matter there")
def test_who_may_not_write_is_told_so(acked: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copy(acked, folder))
        path.chmod(0o444)
        Path(folder).chmod(0o555)
        try:
            message = error_of_another_user(lambda: connect(str(path)))
        finally:
            Path(folder).chmod(0o755)
    assert message.startswith(f"NotAllowed: {path} may not be opened or written")
    assert "Hint: check the rights" in message


def error_of_another_user(function: Callable[[], object]) -> str:
    """What a function raises for somebody without an administrator's rights, for whom nothing is read-only."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if to := account():
                os.setgroups([])
                os.setgid(to.group)
                os.setuid(to.user)
            function()
        except BaseException as error:
            os.write(writing, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as stream:
        return stream.read().decode()


def fill_up(database: Database) -> None:
    """Write until the disk is full."""
    while True:
        with database.write() as connection:
            connection.execute(insert(accounts).values(amount=1, ballast=os.urandom(1 << 19)))


def count(database: Database) -> int:
    with database.read() as connection:
        return len(connection.execute(select(accounts.c.id)).all())


def test_a_full_disk_is_named_and_survived(small_disk: Path) -> None:
    """P12: a clear error, reading goes on, and writing too once there is space."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(4 << 20))
    with connect(str(small_disk / "yard.db")) as database:
        with database.write() as connection:
            accounts.create(connection)
        with pytest.raises(StorageFull, match="no space left"):
            fill_up(database)
        kept = count(database)
        assert kept > 0
        with pytest.raises(StorageFull):
            fill_up(database)
        assert count(database) >= kept
        ballast.unlink()
        with database.write() as connection:
            connection.execute(insert(accounts).values(amount=2))
        assert database.integrity() == []
        kept = count(database)
    with connect(str(small_disk / "yard.db")) as database:
        assert count(database) == kept


def test_a_backup_to_a_full_disk_leaves_nothing(
    acked: Path, small_disk: Path, filler: Callable[[], Path]
) -> None:
    filler()
    with connect(str(acked)) as database, pytest.raises(StorageFull):
        database.backup(small_disk / "copy.db")
    assert [p.name for p in small_disk.iterdir()] == ["filler"]


def test_opening_on_a_full_disk(small_disk: Path, filler: Callable[[], Path]) -> None:
    full = filler()
    with pytest.raises(StorageFull):
        connect(str(small_disk / "yard.db"))
    full.unlink()
    connect(str(small_disk / "yard.db")).close()


def test_an_existing_database_opens_without_alembic(acked: Path) -> None:
    code = "import sys; from modelyard.stores.rows import connect; connect(sys.argv[1]).close()"
    code += "; print('sqlalchemy' in sys.modules, 'alembic' in sys.modules)"
    command = [sys.executable, "-c", code, str(acked)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "True False\n"


def test_the_package_itself_loads_nothing_heavy() -> None:
    code = "import sys, modelyard.stores, modelyard.stores.rows; print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
