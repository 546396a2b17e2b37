"""Rows: one engine and one migration tree for SQLite, PostgreSQL and MariaDB/MySQL.

>>> from modelyard.stores.rows import connect
>>> with connect("sqlite://") as database:
...     database.dialect
'sqlite'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelyard.stores.rows.engine import Database as Database
    from modelyard.stores.rows.engine import connect as connect

__all__ = ["Database", "connect"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'modelyard.stores.rows' has no attribute {name!r}")
    from modelyard.stores.rows import engine  # loads SQLAlchemy

    return getattr(engine, name)
