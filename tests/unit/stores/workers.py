"""What other processes do in these tests. Each says what it has done, and only after it is done."""

from __future__ import annotations

import io
import os
import signal
import sys
from multiprocessing.connection import Connection as Line
from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, Table, event, insert, select

from modelyard.stores import open_store, tree
from modelyard.stores.overlay import Artifacts
from modelyard.stores.placing import Stores
from modelyard.stores.rows import connect, migrate
from modelyard.stores.rows.columns import Int64
from modelyard.stores.tables import blobs
from modelyard.stores.uploads import Uploads
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


def artifacts(uri: str, place: str) -> Artifacts:
    """The files of a database, in it, in a folder or in a bucket."""
    database = connect(uri)
    outside = (lambda: open_store(place)) if place else None
    return Artifacts(database, Stores(database, outside, embed=not place))


class DyingStream(Dripping):
    """At a byte of it the process is killed."""

    def __init__(self, data: bytes, at: int) -> None:
        super().__init__(data)
        self._at = at

    def read(self, size: int = -1, /) -> bytes:
        left = self._at - self._position
        if left <= 0:
            die()
        return super().read(min(left, size if size >= 0 else left))


def die(*_: object, **__: object) -> None:
    """As the power goes."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(files: Artifacts, moment: str) -> None:
    """Be killed at a moment of the next put, when all its bytes are here."""
    (store,) = files.stores.all()
    put = store.put

    def dying(stream: Any, *, expect: Any = None, before: Any = None) -> Any:
        def told(blob: Any) -> None:
            before(blob)
            if moment == "pinned":
                die()

        blob = put(stream, expect=expect, before=told)
        if moment == "published":
            die()
        return blob

    store.put = dying  # type: ignore[method-assign]
    if moment == "placing":
        tree.refer = die


def put_and_die(line: Line, uri: str, place: str, size: int, point: int | str) -> None:
    """Put a file and be killed, at a byte of it or at a moment after them."""
    environment(line)
    files = artifacts(uri, place)
    data = content(size)
    stream: Any = DyingStream(data, point) if isinstance(point, int) else Dripping(data)
    if isinstance(point, str):
        die_at(files, point)
    line.send("putting")
    files.put("run:0", "model.bin", stream)
    line.send("survived")


def put_part_and_die(line: Line, uri: str, place: str, upload_id: str, number: int) -> None:
    """Put a part of a megabyte, and be killed in the middle of sending all the next ones."""
    environment(line)
    ours = Uploads(artifacts(uri, place))
    data = content(4 * (1 << 20) + 9)
    piece = data[(number - 1) << 20 : number << 20]
    ours.put_part(upload_id, number, io.BytesIO(piece))
    line.send("acknowledged")
    stream: Any = DyingStream(content(1 << 20, 77), 300_000)
    ours.put_part(upload_id, number, stream)
    line.send("survived")


def complete_and_die(line: Line, uri: str, place: str, upload_id: str, moment: str) -> None:
    """Be killed while the parts are joined."""
    environment(line)
    files = artifacts(uri, place)
    die_at(files, moment)
    Uploads(files).complete(upload_id)
    line.send("survived")


def environment(line: Line) -> None:
    """The starter's server of processes was there before the address of the S3 server was known."""
    os.environ.update(line.recv())


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
