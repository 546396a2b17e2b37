"""What other processes do in these tests: ``python workers.py NAME ARGUMENT…``. Each says on standard output what it
has done, one line at a time, and only after it is done."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, Table, event, insert, text

from modelyard.base.errors import ModelyardError
from modelyard.stores import open_store
from modelyard.stores.rows import connect
from modelyard.stores.rows.columns import Int64
from modelyard.testing.stores import Dripping, content

acks = Table(
    "my_test_acks",
    MetaData(),
    Column("writer", Int64()),
    Column("number", Int64()),
    extend_existing=True,
)


def say(*words: object) -> None:
    """A line that the parent sees at once."""
    print(*words, flush=True)


def wait_for_start() -> None:
    """Say that we are ready and go on when the parent writes a line."""
    say("ready")
    sys.stdin.readline()


def open_once(uri: str) -> None:
    """Set up a database and count the tables we made ourselves."""
    made: list[str] = []
    event.listen(Engine, "after_cursor_execute", lambda *a: made.append(a[2]))
    wait_for_start()
    with connect(uri) as database:
        own = [statement for statement in made if statement.strip().startswith("CREATE TABLE my_b")]
        own += [s for s in made if s.strip().startswith("CREATE TABLE IF NOT EXISTS my_b")]
        with database.read() as connection:
            count = connection.execute(text("SELECT count(*) FROM my_blobs")).scalar()
    say(len(own), count)


def open_and_die(uri: str, after: str) -> None:
    """Kill ourselves after that many statements of a migration."""
    left = int(after)

    def count(_: Connection, __: Any, statement: str, *___: Any) -> None:
        nonlocal left
        if statement.strip().startswith(("CREATE", "INSERT", "DELETE")):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "after_cursor_execute", count)
    connect(uri)
    say("survived")


def write_rows(uri: str, writer: str) -> None:
    """Write numbers until killed; name each one that is committed."""
    database = connect(uri)
    number = 0
    while True:
        row = {"writer": int(writer), "number": number}
        with database.write() as connection:
            connection.execute(insert(acks).values(row))
        say(number)
        number += 1


def write_and_leave(uri: str) -> None:
    """Write a row and end without closing anything."""
    database = connect(uri)
    with database.write() as connection:
        connection.execute(insert(acks).values(writer=0, number=7))
    say("done")


def put_blobs(location: str, size: str) -> None:
    """Put blobs until killed; name each one that is acknowledged."""
    store = open_store(location)
    seed = 0
    while True:
        stream: Any = Dripping(content(int(size), seed))
        say(store.put(stream).sha256)
        seed += 1


def put_same(location: str, size: str) -> None:
    """Put one blob at the same time as others."""
    store = open_store(location)
    wait_for_start()
    stream: Any = Dripping(content(int(size)))
    say(store.put(stream).sha256)
    store.close()


def name_error(uri: str) -> None:
    """Open a database and say what went wrong."""
    try:
        connect(uri).close()
    except ModelyardError as error:
        say(type(error).__name__, error)
    else:
        say("opened")


def modules_of_second_opening(uri: str) -> None:
    """Which of the heavy modules an existing database needs."""
    connect(uri).close()
    say(
        *sorted(
            name
            for name in ("alembic", "modelyard.stores.rows.migrations.r0001")
            if name in sys.modules
        )
    )


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
