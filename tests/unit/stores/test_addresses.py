"""Where a database is, what is said when it is not there, and that no message tells a secret."""

from __future__ import annotations

import io
import socket
import sys
import traceback
from pathlib import Path

import pytest

from modelyard.base.errors import (
    InvalidReference,
    MissingExtra,
    ModelyardError,
    NotAllowed,
    NotFound,
    Overloaded,
    StorageFull,
    Unreachable,
)
from modelyard.stores import _OURS, fsspec, local, memory, open_store, sql
from modelyard.stores.rows import connect
from modelyard.stores.rows.address import parse
from modelyard.stores.rows.faults import name_fault


@pytest.mark.parametrize(
    ("uri", "dialect", "path", "shown"),
    [
        ("yard.db", "sqlite", "yard.db", "yard.db"),
        ("sqlite:///yard.db", "sqlite", "yard.db", "yard.db"),
        ("sqlite:////data/yard.db", "sqlite", "/data/yard.db", "/data/yard.db"),
        ("sqlite:///data/yard.db?mode=ro", "sqlite", "data/yard.db", "data/yard.db"),
        ("a name with ? and #.db", "sqlite", "a name with ? and #.db", "a name with ? and #.db"),
        ("postgresql://h/d", "postgresql", None, "postgresql://h/d"),
        (
            "postgres://u:secret@h:5433/d?password=secret",
            "postgresql",
            None,
            "postgresql://u@h:5433/d",
        ),
        ("postgresql+psycopg://u@h/d", "postgresql", None, "postgresql://u@h/d"),
        ("mysql://u:secret@h/d?ssl_key=secret", "mysql", None, "mysql://u@h/d"),
        ("mariadb://u:s%40cret@h/d", "mysql", None, "mysql://u@h/d"),
        ("mariadb+pymysql://h/d", "mysql", None, "mysql://h/d"),
    ],
)
def test_addresses(uri: str, dialect: str, path: str | None, shown: str) -> None:
    address = parse(uri)
    assert (address.dialect, address.shown) == (dialect, shown)
    assert address.path == (Path(path) if path else None)
    assert "secret" not in repr(address)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "oracle://u:secret@h/d",
        "sqlite+pysqlcipher://:secret@/d",
        "postgresql+asyncpg://u:secret@h/d",
    ],
)
def test_other_addresses_are_refused(uri: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse(uri)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("uri", ["postgresql://u:secret@h:port/d", "mysql://u:secret@[::1/d"])
def test_addresses_that_cannot_be_read(uri: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        connect(uri)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("driver", "extra"), [("psycopg", "postgres"), ("pymysql", "mysql")])
def test_a_missing_driver_names_its_extra(
    driver: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, driver, None)  # type: ignore[arg-type]  # as if not installed
    scheme = {"postgres": "postgresql", "mysql": "mysql"}[extra]
    with pytest.raises(MissingExtra, match=extra) as caught:
        connect(f"{scheme}://h/d")
    assert caught.value.hint == f"pip install 'modelyard[{extra}]'"


@pytest.fixture
def closed_port() -> int:
    """A port of this machine where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_nobody_answers(scheme: str, closed_port: int) -> None:
    with pytest.raises(Unreachable) as caught:
        connect(f"{scheme}://ada:{PASSWORD}@127.0.0.1:{closed_port}/yard")
    assert str(caught.value).startswith(
        f"{scheme}://ada@127.0.0.1:{closed_port}/yard cannot be reached"
    )
    assert PASSWORD not in told(caught.value)


PASSWORD = "-".join(["hid", "den"])  # not as such in a line that a traceback quotes


def told(error: BaseException) -> str:
    """All that a traceback would show."""
    return "".join(traceback.format_exception(error))


@pytest.mark.postgres
def test_a_database_that_postgres_does_not_have(postgres_uri: str) -> None:
    with pytest.raises(NotFound, match="is not there"):
        connect(postgres_uri.replace("/test_", "/absent_"))


@pytest.mark.mariadb
def test_a_database_that_mariadb_does_not_have(mariadb_uri: str) -> None:
    with pytest.raises(NotFound, match="is not there"):
        connect(mariadb_uri.replace("/test_", "/absent_"))


@pytest.mark.mariadb
def test_a_wrong_password(mariadb_uri: str) -> None:
    with pytest.raises(NotAllowed) as caught:
        connect(mariadb_uri.replace("root@", f"ada:{PASSWORD}@"))
    assert "Access denied" in str(caught.value)
    assert PASSWORD not in told(caught.value)


@pytest.mark.postgres
def test_an_unknown_user(postgres_uri: str) -> None:
    with pytest.raises(NotAllowed) as caught:
        connect(postgres_uri.replace("postgres@", f"ada:{PASSWORD}@"))
    assert PASSWORD not in told(caught.value)


class DriverError(Exception):
    """As drivers raise them: with a number, a state or a name."""

    def __init__(self, *args: object, **facts: str) -> None:
        super().__init__(*args)
        self.__dict__.update(facts)


@pytest.mark.parametrize(
    ("uri", "error", "cls"),
    [
        ("yard.db", DriverError("full", sqlite_errorname="SQLITE_FULL"), StorageFull),
        ("yard.db", DriverError("locked", sqlite_errorname="SQLITE_BUSY_TIMEOUT"), Overloaded),
        ("yard.db", DriverError("I/O", sqlite_errorname="SQLITE_IOERR_READ"), Unreachable),
        ("yard.db", DriverError("taken", sqlite_errorname="SQLITE_CONSTRAINT_UNIQUE"), None),
        ("postgresql://h/d", DriverError("full", sqlstate="53100"), StorageFull),
        ("postgresql://h/d", DriverError("deadlock", sqlstate="40P01"), Overloaded),
        ("postgresql://h/d", DriverError("going down", sqlstate="57P01"), Unreachable),
        ("postgresql://h/d", DriverError("taken", sqlstate="23505"), None),
        ("mysql://h/d", DriverError(1114, "full"), StorageFull),
        ("mysql://h/d", DriverError(1213, "deadlock"), Overloaded),
        ("mysql://h/d", DriverError(2013, "lost"), Unreachable),
        ("mysql://h/d", DriverError(1062, "taken"), None),
    ],
)
def test_what_drivers_mean(uri: str, error: DriverError, cls: type[ModelyardError] | None) -> None:
    named = name_fault(error, parse(uri))
    assert (named and type(named)) == cls
    if isinstance(named, Overloaded):
        assert named.details["transient"] is ("deadlock" in str(error))


def test_every_scheme_of_a_store_is_known() -> None:
    schemes = {
        scheme: module.__name__.rpartition(".")[2]
        for module in (fsspec, local, memory, sql)
        for scheme in module.SCHEMES
    }
    assert schemes == {"": "local", **_OURS}


def test_a_store_of_nobody(tmp_path: Path) -> None:
    with pytest.raises(ModelyardError, match="carrier"):
        open_store("carrier-pigeon://loft")
    assert open_store(f"file://{tmp_path}/a%20b").put(io.BytesIO(b"x")).size == 1
    assert (tmp_path / "a b" / "files").is_dir()
