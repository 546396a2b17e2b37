"""Transactions: what is seen, what is kept, and who waits for whom."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, insert, select, text, update

from modelyard.base.errors import NotFound, Overloaded
from modelyard.stores.rows import Database, connect
from modelyard.stores.rows.columns import Int64
from modelyard.stores.rows.engine import ATTEMPTS
from modelyard.testing.stores import failures_of_threads

counters = Table(
    "my_test_counters",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", Int64(), nullable=False),
)


@pytest.fixture
def counted(database: Database) -> Database:
    """With two counters, 1 and 2, at zero."""
    with database.write() as connection:
        counters.create(connection)
        connection.execute(insert(counters).values([{"id": 1, "value": 0}, {"id": 2, "value": 0}]))
    return database


def add_and_fail(database: Database) -> None:
    with database.write() as connection:
        add(connection, 1)
        raise NotFound("something")


def value(database: Database, number: int = 1) -> int:
    with database.read() as connection:
        return read_value(connection, number)


def read_value(connection: Connection, number: int = 1) -> int:
    return connection.execute(select(counters.c.value).where(counters.c.id == number)).scalar_one()


def add(connection: Connection, number: int, amount: int = 1) -> None:
    change = update(counters).where(counters.c.id == number)
    connection.execute(change.values(value=counters.c.value + amount))


def test_a_write_is_kept_whole_or_not_at_all(counted: Database) -> None:
    with counted.write() as connection:
        add(connection, 1)
    with pytest.raises(NotFound):
        add_and_fail(counted)
    assert value(counted) == 1


def test_what_is_written_on_a_read_is_not_kept(counted: Database) -> None:
    with counted.read() as connection:
        add(connection, 1)
    assert value(counted) == 0


def test_a_read_sees_one_moment(counted: Database) -> None:
    with counted.read() as connection:
        before = read_value(connection)
        with counted.write() as other:
            add(other, 1)
        assert read_value(connection) == before
    assert value(counted) == before + 1


def test_a_writer_sees_what_it_waited_for(counted: Database) -> None:
    """Eight threads, each reading before it writes: no addition is lost."""

    def add_by_hand(connection: Connection) -> None:
        query = select(counters.c.value).where(counters.c.id == 1).with_for_update()
        found = connection.execute(query).scalar_one()
        connection.execute(update(counters).where(counters.c.id == 1).values(value=found + 1))

    with failures_of_threads() as run:
        for _ in range(8):
            run(lambda: [counted.transact(add_by_hand) for _ in range(10)])
    assert value(counted) == 80


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param("postgres_uri", marks=pytest.mark.postgres),
        pytest.param("mariadb_uri", marks=pytest.mark.mariadb),
    ],
)
def test_the_loser_of_a_deadlock_runs_again(uri: str, request: pytest.FixtureRequest) -> None:
    tries: list[int] = []
    both_hold_one = threading.Barrier(2)

    def take(first: int, second: int, connection: Connection) -> None:
        tries.append(first)
        add(connection, first)
        if len(tries) <= 2:
            both_hold_one.wait(60)
        add(connection, second)

    with connect(request.getfixturevalue(uri)) as database:
        with database.write() as connection:
            counters.create(connection)
            zero = [{"id": 1, "value": 0}, {"id": 2, "value": 0}]
            connection.execute(insert(counters).values(zero))
        with failures_of_threads() as run:
            run(lambda: database.transact(lambda connection: take(1, 2, connection)))
            run(lambda: database.transact(lambda connection: take(2, 1, connection)))
        assert (value(database, 1), value(database, 2)) == (2, 2)
        assert len(tries) == 3


def test_who_loses_for_ever_is_told(sqlite_uri: str) -> None:
    tries = []

    def lose(_: Connection) -> None:
        tries.append(1)
        raise Overloaded("lost", transient=True)

    with connect(sqlite_uri) as database, pytest.raises(Overloaded, match="lost"):
        database.transact(lose)
    assert len(tries) == ATTEMPTS


def test_other_errors_are_not_tried_again(database: Database) -> None:
    tries = []

    def fail(_: Connection) -> None:
        tries.append(1)
        raise NotFound("nothing")

    with pytest.raises(NotFound):
        database.transact(fail)
    assert len(tries) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_has_connections_of_its_own(counted: Database) -> None:
    value(counted)  # the pool holds a connection now
    child = os.fork()
    if child == 0:
        status = 1
        try:
            counted.transact(lambda connection: add(connection, 1))
            counted.close()
            status = 0
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(ended) == 0
    counted.transact(lambda connection: add(connection, 1))
    assert value(counted) == 2


def test_nothing_is_damaged(counted: Database) -> None:
    assert counted.integrity() == []


def test_a_database_of_the_moment() -> None:
    with connect("sqlite://") as one, connect("sqlite://") as other:
        with one.write() as connection:
            counters.create(connection)
            with one.read() as beside:
                assert beside.execute(text("SELECT count(*) FROM my_blobs")).scalar() == 0
        with other.write() as connection:
            counters.create(connection)
        folder = one.engine.url.database
    assert folder is not None
    assert not Path(folder).parent.exists()
