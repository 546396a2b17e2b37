"""What a driver's error means, in our own words: one table a database, read in one place.

Errors that say nothing about the place (a unique key taken, a value refused) are left to the caller as they are.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from modelyard.base.errors import (
    Corrupted,
    ModelyardError,
    NotAllowed,
    NotFound,
    Overloaded,
    StorageFull,
    Unreachable,
)
from modelyard.stores.rows.address import Address

Code = str | int
ErrorClass = type[ModelyardError]

_SQLITE: dict[str, ErrorClass] = {
    "SQLITE_FULL": StorageFull,
    "SQLITE_READONLY": NotAllowed,
    "SQLITE_PERM": NotAllowed,
    "SQLITE_CANTOPEN": NotAllowed,
    "SQLITE_CORRUPT": Corrupted,
    "SQLITE_NOTADB": Corrupted,
    "SQLITE_BUSY": Overloaded,
    "SQLITE_LOCKED": Overloaded,
    "SQLITE_IOERR": Unreachable,
}
_POSTGRESQL: dict[str, ErrorClass] = {
    "53100": StorageFull,
    "53300": Overloaded,
    "40001": Overloaded,
    "40P01": Overloaded,
    "55P03": Overloaded,
    "28000": NotAllowed,
    "28P01": NotAllowed,
    "42501": NotAllowed,
    "25006": NotAllowed,
    "3D000": NotFound,
    "XX001": Corrupted,
    "XX002": Corrupted,
}
_MYSQL: dict[int, ErrorClass] = {
    3: StorageFull,
    1021: StorageFull,
    1114: StorageFull,
    1040: Overloaded,
    1020: Overloaded,
    1205: Overloaded,
    1213: Overloaded,
    1044: NotAllowed,
    1045: NotAllowed,
    1142: NotAllowed,
    1290: NotAllowed,
    1698: NotAllowed,
    1792: NotAllowed,
    1836: NotAllowed,
    1049: NotFound,
    126: Corrupted,
    1034: Corrupted,
    1712: Corrupted,
    2002: Unreachable,
    2003: Unreachable,
    2006: Unreachable,
    2013: Unreachable,
}
_TRANSIENT: frozenset[Code] = frozenset(["40001", "40P01", "55P03", 1020, 1205, 1213])
"""The loser of a deadlock or a race: the same transaction, run again, has every chance."""

_HINTS: dict[ErrorClass, str] = {
    StorageFull: "free some space and try again; what was committed before is unchanged",
    Overloaded: "another process holds it for long; try again later",
    NotAllowed: "check the rights of this user; SQLite writes into the file's folder too",
    Unreachable: "check that it is there, and the address",
    Corrupted: "run 'modelyard db check', and restore a backup",
}
_WORDS: dict[ErrorClass, str] = {
    StorageFull: "no space left for {where}",
    NotAllowed: "{where} may not be opened or written: {text}",
    Corrupted: "{where} is damaged: {text}",
    Overloaded: "{where} is busy: {text}",
    Unreachable: "{where} cannot be reached: {text}",
    NotFound: "{where} is not there: {text}",
}
_NO_ROOM = 1 << 20
"""Free bytes below which a failed write means a full disk, whatever SQLite calls it."""


@contextlib.contextmanager
def faults_named(address: Address) -> Iterator[None]:
    """Raise what the drivers raise as errors of ours that name the database and no secret."""
    try:
        yield
    except PoolTimeout as error:
        raise Overloaded(
            f"all connections to {address.shown} are in use", hint=_HINTS[Overloaded]
        ) from error
    except StatementError as error:
        if isinstance(error.orig, ModelyardError):  # a column type refused a value
            raise error.orig from None
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        if error.orig is not None and (named := name_fault(error.orig, address, lost=lost)):
            raise named from error
        raise
    except sqlite3.Error as error:
        if named := name_fault(error, address):
            raise named from error
        raise


def name_fault(
    error: BaseException, address: Address, *, lost: bool = False
) -> ModelyardError | None:
    """Our error for a driver's, or None when it is not about the database as such. ``lost``: the connection broke."""
    cls, code = _class_of(error, address)
    if cls is None and lost:
        cls = Unreachable
    if cls is None:
        return None
    # pymysql's arguments are a number and a text; the others' text may go on for lines
    text = error.args[1] if address.dialect == "mysql" and len(error.args) > 1 else error
    return cls(
        _WORDS[cls].format(where=address.shown, text=str(text).strip().partition("\n")[0]),
        hint=_HINTS.get(cls),
        transient=code in _TRANSIENT,
    )


def _class_of(error: BaseException, address: Address) -> tuple[ErrorClass | None, Code]:
    if address.dialect == "sqlite":
        name = getattr(error, "sqlite_errorname", "")
        return _sqlite_class(name, address.path), name
    if address.dialect == "mysql":
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        return _MYSQL.get(number), number
    state = getattr(error, "sqlstate", None) or ""
    return _POSTGRESQL.get(state) or _postgresql_class(state, error), state


def _sqlite_class(name: str, path: Path | None) -> ErrorClass | None:
    cls = _SQLITE.get("_".join(name.split("_")[:2]))  # SQLITE_IOERR_SHMSIZE is of SQLITE_IOERR
    if cls in (Unreachable, NotAllowed) and path and _no_room(path):
        return StorageFull
    return cls


def _no_room(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _NO_ROOM
    except OSError:
        return False


def _postgresql_class(state: str, error: BaseException) -> ErrorClass | None:
    if state:
        return Unreachable if state[:2] in ("08", "57", "58") else None
    # While connecting, the driver has the server's words alone.
    text = str(error)
    if "authentication failed" in text or "pg_hba" in text or 'role "' in text:
        return NotAllowed
    if 'database "' in text and "does not exist" in text:
        return NotFound
    return (
        Unreachable if type(error).__name__ in ("OperationalError", "ConnectionTimeout") else None
    )
