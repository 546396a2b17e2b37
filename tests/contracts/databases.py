"""One database for all tests of a contract, emptied before each: making a new one would be most of the time."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import pytest
from sqlalchemy import Table, delete

from modelyard.stores.rows import Database, connect
from servers import mariadb, postgres

KINDS = [
    "sqlite",
    pytest.param("postgres", marks=pytest.mark.postgres),
    pytest.param("mariadb", marks=pytest.mark.mariadb),
]


def open_new(request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> Database:
    """A new database of the fixture's kind. It goes with its server, or with the folder."""
    return connect(new_uri(request, folders))


def new_uri(request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> str:
    """Where a new database of the fixture's kind is."""
    if request.param == "sqlite":
        return str(folders.mktemp("yard") / "yard.db")
    server = request.getfixturevalue(f"{request.param}_server")
    name = f"test_{secrets.token_hex(6)}"
    if request.param == "postgres":
        with postgres(server) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql://postgres@/{name}?host={server}"
    with mariadb(server) as connection:
        connection.cursor().execute(f"CREATE DATABASE {name}")
    return f"mysql://root@localhost/{name}?unix_socket={server}"


def empty(database: Database, tables: Sequence[Table]) -> None:
    """Delete all rows, of the tables that point to others first."""
    with database.write() as connection:
        for table in tables:
            connection.execute(delete(table))
