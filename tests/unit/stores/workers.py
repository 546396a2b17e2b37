"""What other processes do in these tests. Each says what it has done, and only after it is done."""

from __future__ import annotations

import io
import os
import signal
import sys
from multiprocessing.connection import Connection as Line
from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, Table, event, insert, select

from modelyard.stores import open_store
from modelyard.stores.local import LocalStore
from modelyard.stores.overlay import Artifacts
from modelyard.stores.placing import Stores
from modelyard.stores.rows import connect, migrate
from modelyard.stores.rows.columns import Int64
from modelyard.stores.tables import blobs
from modelyard.testing.stores import Dripping, content

acks = Table("my_test_acks", MetaData(), Column("writer", Int64()), Column("number", Int64()))


def open_once(line: Line, uri: str) -> None:
    """Set up a database together with others; say how many tables we made ourselves."""
    made: list[str] = []

    def note(_: Connection, __: Any, statement: str, *___: Any) -> None:
        if statement.strip().startswith("CREATE TABLE") and migrate.SCHEMA_TABLE not in statement:
            made.append(statement)

    event.listen(Engine, "after_cursor_execute", note)
    line.send("ready")
    line.recv()
    with connect(uri) as database, database.read() as connection:
        assert connection.execute(select(blobs)).all() == []
    line.send(len(made))


def open_and_die(line: Line, uri: str, after: int | None) -> None:
    """Kill ourselves after that many statements of a migration."""
    left = after

    def count(_: Connection, __: Any, statement: str, *___: Any) -> None:
        nonlocal left
        if left is not None and statement.strip().startswith(("CREATE", "INSERT", "DELETE")):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "after_cursor_execute", count)
    connect(uri)
    line.send("survived")


def write_rows(line: Line, uri: str, writer: int) -> None:
    """Write numbers until killed; say each one that is committed."""
    database = connect(uri)
    number = 0
    while True:
        with database.write() as connection:
            connection.execute(insert(acks).values(writer=writer, number=number))
        line.send(number)
        number += 1


def put_blobs(line: Line, location: str, size: int) -> None:
    """Put blobs until killed; say each one that is acknowledged."""
    store = open_store(location)
    seed = 0
    while True:
        stream: Any = Dripping(content(size, seed))
        line.send(store.put(stream).sha256)
        seed += 1


def put_same(line: Line, location: str, size: int) -> None:
    """Put one blob at the same time as others."""
    store = open_store(location)
    line.send("ready")
    line.recv()
    stream: Any = Dripping(content(size))
    line.send(store.put(stream).sha256)
    store.close()


def artifacts(uri: str, folder: str) -> Artifacts:
    """The files of a database, in it or in a folder."""
    database = connect(uri)
    outside = (lambda: LocalStore(folder)) if folder else None
    return Artifacts(database, Stores(database, outside, embed=not folder))


def put_and_delete(line: Line, uri: str, folder: str, number: int) -> None:
    """Put and delete the same two contents as others do; each put must be readable."""
    files = artifacts(uri, folder)
    for turn in range(15):
        data = content(30_000, (number + turn) % 2)
        files.put(f"run:{number}", "a", io.BytesIO(data))
        if files.open(f"run:{number}", "a").read() != data:
            line.send("other bytes")
        files.delete(f"run:{number}")
    files.put(f"run:{number}", "last", io.BytesIO(content(30_000, 0)))
    line.send("kept")


def write_and_leave(uri: str) -> None:
    """As a program of its own: write a row and end without closing anything."""
    database = connect(uri)
    with database.write() as connection:
        connection.execute(insert(acks).values(writer=0, number=7))


if __name__ == "__main__":
    write_and_leave(sys.argv[1])
