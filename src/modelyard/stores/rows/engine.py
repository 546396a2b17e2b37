"""The engine: connections and transactions, the same on SQLite, PostgreSQL and MariaDB/MySQL.

>>> from sqlalchemy import text
>>> with connect("sqlite://") as database, database.read() as connection:
...     connection.execute(text("SELECT 1 + 1")).scalar()
2

A write is one transaction. SQLite begins it with ``BEGIN IMMEDIATE``, so writers queue; the servers run it at
``READ COMMITTED``, and who reads before writing there locks the row with ``SELECT … FOR UPDATE``. A read sees one
moment: nobody's commit shows up halfway through.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import QueuePool

from modelyard.base.errors import InvalidReference, MissingExtra, NotSupported, Overloaded
from modelyard.stores.rows import sqlite
from modelyard.stores.rows.address import Address, Dialect, parse
from modelyard.stores.rows.faults import faults_named
from modelyard.stores.rows.grouping import Groups

T = TypeVar("T")

ATTEMPTS = 10
"""How often `Database.transact` runs a transaction that loses a deadlock or a race."""

_WRITING = "modelyard_writing"
"""Execution option that tells the ``begin`` event what kind of transaction starts."""


class Database:
    """An open database. Threads may share it; a forked child gets connections of its own."""

    def __init__(self, address: Address, engine: Engine, folder: str | None = None) -> None:
        self.address = address
        self.dialect: Dialect = address.dialect
        self.engine = engine
        self._writer = engine.execution_options(**{_WRITING: True})
        self._regroup()
        # Also runs when the interpreter ends: a copied file is complete then, without its log.
        self._finalizer = weakref.finalize(self, _shut, address, engine, os.getpid(), folder)
        _open.add(self)

    def __repr__(self) -> str:
        return f"Database({self.address.shown!r})"

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one moment of the database. What is written on it is not kept."""
        with faults_named(self.address), self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in one transaction: committed at the end of the block, undone when the block raises.

        Never open a second write inside: on SQLite it would wait for the first.
        """
        with faults_named(self.address), self._writer.begin() as connection:
            yield connection

    def transact(self, function: Callable[[Connection], T]) -> T:
        """Run ``function`` in a write and return what it returns; run it again when it lost a deadlock or a race.

        ``function`` must do nothing but use its connection. On SQLite it may run in another thread, and share a
        commit with what other threads write at that moment. `Overloaded` after `ATTEMPTS` losses.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._run(function)
            except Overloaded as error:
                if attempt == ATTEMPTS or not error.details.get("transient"):
                    raise
                time.sleep(random.uniform(0.2, 1) * min(0.01 * 2**attempt, 1))
        raise AssertionError  # pragma: no cover - the loop returns or raises

    def _run(self, function: Callable[[Connection], T]) -> T:
        if self._groups is not None:
            return self._groups.run(function)
        with self.write() as connection:
            return function(connection)

    def _regroup(self) -> None:
        """A queue of its own for this process: a forked child knows nothing of its parent's threads."""
        named = partial(faults_named, self.address)
        self._groups = Groups(self.write, named) if self.dialect == "sqlite" else None

    def checkpoint(self) -> bool:
        """SQLite: move all commits from the log into the file, so that the file alone is complete. False when
        another process reads on and part of the log had to stay."""
        if self.dialect != "sqlite":
            return True
        with self._file() as connection:
            return sqlite.checkpoint(connection)

    def integrity(self) -> list[str]:
        """What is damaged, one line each; empty when all is well."""
        if self.dialect == "sqlite":
            with self._file() as connection:
                return sqlite.problems(connection)
        with faults_named(self.address), self.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            names = [
                name for name in inspect(connection).get_table_names() if name.startswith("my_")
            ]
            return [
                line for name in sorted(names) for line in self._table_problems(connection, name)
            ]

    def _table_problems(self, connection: Connection, name: str) -> list[str]:
        if self.dialect == "mysql":
            rows = connection.execute(text(f"CHECK TABLE `{name}`"))
            return [f"{name}: {row[3]}" for row in rows if row[2] in ("error", "warning")]
        try:
            connection.execute(text(f'SELECT count(*) FROM "{name}"'))
        except DBAPIError as error:
            return [f"{name}: {error.orig}"]
        return []

    def backup(self, path: str | os.PathLike[str]) -> None:
        """SQLite: copy the database as it is at one moment to a new file, while others write on.

        `AlreadyExists` when the file is there; `NotSupported` on a server, which has tools of its own.
        """
        if self.dialect != "sqlite":
            tool = "pg_dump" if self.dialect == "postgresql" else "mysqldump --single-transaction"
            raise NotSupported(
                f"{self.address.shown} is not backed up from here", hint=f"use its own tool: {tool}"
            )
        with self._file() as connection:
            sqlite.backup(connection, Path(path))

    @contextlib.contextmanager
    def _file(self) -> Iterator[sqlite3.Connection]:
        """SQLite: the driver's own connection, outside any transaction."""
        with faults_named(self.address), contextlib.closing(self.engine.raw_connection()) as proxy:
            yield cast(sqlite3.Connection, proxy.driver_connection)

    def close(self) -> None:
        """Checkpoint and close all connections. The object may not be used afterwards; a second close is fine."""
        self._finalizer()


def connect(uri: str | os.PathLike[str], *, create: bool = True, migrate: bool = True) -> Database:
    """Open a database: a path, ``sqlite:///path``, ``sqlite://`` (of the moment, for tests), ``postgresql://…`` or
    ``mysql://…``.

    With ``create`` an absent file or an empty database is set up, else it is `FileMissing` or `NotFound`. With
    ``migrate`` an older schema is brought up to date. `ForeignSchema` for what is somebody else's, `NewerSchema`
    for what a newer modelyard wrote, `MissingExtra` without the driver, `Unreachable` when nobody answers.
    """
    from modelyard.stores.rows.migrate import settle

    address = parse(os.fspath(uri))
    database = _open_database(address, create=create)
    try:
        settle(database, create=create, migrate=migrate)
    except BaseException:
        database.close()
        raise
    return database


def _open_database(address: Address, *, create: bool) -> Database:
    if address.dialect != "sqlite":
        return Database(address, _server_engine(address))
    if address.path:
        sqlite.find(address.path, create=create)
        return Database(address, _file_engine(address.path, durable=True))
    folder = tempfile.mkdtemp(prefix="modelyard-")
    return Database(address, _file_engine(Path(folder, "yard.db"), durable=False), folder)


def _file_engine(path: Path, *, durable: bool) -> Engine:
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(path.absolute())),
        poolclass=QueuePool,
        max_overflow=-1,  # as many as there are threads: a connection is a file handle
        connect_args={"timeout": sqlite.BUSY_SECONDS, "check_same_thread": False},
        hide_parameters=True,
    )
    event.listen(engine, "connect", lambda raw, _: sqlite.tune(raw, durable=durable))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get(_WRITING)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _server_engine(address: Address) -> Engine:
    arguments: dict[str, Any] = {"connect_timeout": 10}
    if address.dialect == "mysql":
        # A value that does not fit is an error, and a key of 0 is 0.
        strict = (
            "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO')"
        )
        arguments |= {"charset": "utf8mb4", "init_command": strict}
    else:
        arguments |= {"application_name": "modelyard", "client_encoding": "utf8"}
    try:
        engine = create_engine(
            address.url,
            max_overflow=15,
            pool_pre_ping=True,
            connect_args=arguments,
            isolation_level="REPEATABLE READ",
            hide_parameters=True,
        )
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise InvalidReference(f"{address.shown} cannot be read as a database address") from None
    except ImportError as error:  # psycopg without a libpq
        extra = "postgres" if address.dialect == "postgresql" else "mysql"
        raise MissingExtra(f"{address.dialect}://", extra, missing=str(error)) from error
    event.listen(engine, "begin", _begin_on_server)
    return engine


def _begin_on_server(connection: Connection) -> None:
    if connection.get_execution_options().get(_WRITING):
        # For this transaction alone: a reader keeps its one moment, a writer sees what it waited for.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")


def _shut(address: Address, engine: Engine, pid: int, folder: str | None) -> None:
    """Runs once: on close, when nobody holds the database any more, or when the interpreter ends."""
    if address.path and address.path.exists():
        # What cannot be moved now (a full disk, a reader) stays safe in the log.
        with (
            contextlib.suppress(DBAPIError, sqlite3.Error),
            contextlib.closing(engine.raw_connection()) as proxy,
        ):
            sqlite.checkpoint(cast(sqlite3.Connection, proxy.driver_connection))
    engine.dispose()
    if folder and pid == os.getpid():  # not in a forked child
        shutil.rmtree(folder, ignore_errors=True)


_open: weakref.WeakSet[Database] = weakref.WeakSet()
_inherited: list[Any] = []


def _after_fork() -> None:
    """A child may neither use nor close its parent's connections: it keeps them aside and opens its own."""
    for database in _open:
        _inherited.append(database.engine.pool)
        database.engine.dispose(close=False)
        database._regroup()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
