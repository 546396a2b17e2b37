"""Small facts a yard keeps about itself: one JSON value a key."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, select, update

from modelyard.stores.rows.engine import Database
from modelyard.yard.tables import settings


def get_setting(database: Database, key: str) -> Any:
    """The value, or None."""
    with database.read() as connection:
        return connection.scalar(select(settings.c.value).where(settings.c.key == key))


def put_setting(database: Database, key: str, value: Any) -> None:
    """Set a value; None removes it."""

    def change(connection: Any) -> None:
        found = connection.scalar(
            select(settings.c.key).where(settings.c.key == key).with_for_update()
        )
        if value is None:
            connection.execute(delete(settings).where(settings.c.key == key))
        elif found is None:
            connection.execute(insert(settings).values(key=key, value=value))
        else:
            connection.execute(update(settings).where(settings.c.key == key).values(value=value))

    database.transact(change)
