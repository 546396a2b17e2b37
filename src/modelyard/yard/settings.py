"""Small facts a yard keeps about itself: one JSON value a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from modelyard.base.errors import Overloaded
from modelyard.stores.rows.engine import Database
from modelyard.yard.tables import settings


def get_setting(database: Database, key: str) -> Any:
    """The value, or None."""
    with database.read() as connection:
        return connection.scalar(select(settings.c.value).where(settings.c.key == key))


def settle_setting(database: Database, key: str, value: Any) -> Any:
    """The value that is there; where there is none, this one is put. All who ask at once get the same."""

    def change(connection: Any) -> Any:
        found = connection.scalar(select(settings.c.value).where(settings.c.key == key))
        if found is None:
            _insert(connection, key, value)
        return value if found is None else found

    return database.transact(change)


def put_setting(database: Database, key: str, value: Any) -> None:
    """Set a value; None removes it."""

    def change(connection: Any) -> None:
        found = _locked(connection, key)
        if value is None:
            connection.execute(delete(settings).where(settings.c.key == key))
        else:
            _write(connection, key, value, new=found is None)

    database.transact(change)


def change_setting(database: Database, key: str, decide: Callable[[Any], Any]) -> bool:
    """Set what ``decide`` makes of the value (None when there is none), with nobody in between; None leaves it as it is.
    Returns whether it was set."""

    def change(connection: Any) -> bool:
        found = _locked(connection, key)
        value = decide(None if found is None else found.value)
        if value is not None:
            _write(connection, key, value, new=found is None)
        return value is not None

    return database.transact(change)


def _locked(connection: Any, key: str) -> Any:
    return connection.execute(
        select(settings).where(settings.c.key == key).with_for_update()
    ).first()


def _write(connection: Any, key: str, value: Any, *, new: bool) -> None:
    if new:
        _insert(connection, key, value)
    else:
        connection.execute(update(settings).where(settings.c.key == key).values(value=value))


def _insert(connection: Any, key: str, value: Any) -> None:
    try:
        connection.execute(insert(settings).values(key=key, value=value))
    except IntegrityError as error:
        # Somebody else put it after we looked: the next attempt finds it there.
        raise Overloaded(f"others are setting {key!r}", transient=True) from error
