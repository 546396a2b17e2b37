"""A whole yard copied: into one portable file, or into another database, with everything that belongs to it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sqlalchemy import delete

from modelyard.base.errors import AlreadyExists, FileMissing
from modelyard.base.paths import replacing
from modelyard.stores.rows.address import parse
from modelyard.stores.rows.copying import copy_rows
from modelyard.stores.rows.engine import Database, connect
from modelyard.stores.sql import SqlStore
from modelyard.yard.tables import settings

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard

_PLACE = "artifacts"
"""The setting that names where a yard's files are; the copy has them inside."""


def copy_yard(yard: Yard, target: str | os.PathLike[str]) -> int:
    """Copy a yard to a new file or an empty database, all its files inside; returns how many rows and files.

    A copy is the same yard: the same ids, history and events. `AlreadyExists` and `Conflict` when the target has
    something in it. A file appears whole or not at all.
    """
    address = parse(os.fspath(target))
    if address.path is None:
        with connect(target) as database:
            return _copy(yard, database)
    if address.path.exists():
        raise AlreadyExists(f"{address.path} is there already", hint="name a new file")
    if not address.path.parent.is_dir():
        raise FileMissing(f"no folder {address.path.parent} for {address.path.name}")
    with replacing(address.path) as temporary, connect(temporary) as database:
        return _copy(yard, database)


def _copy(yard: Yard, database: Database) -> int:
    copied = copy_rows(yard.database, database)
    inside = SqlStore(database)
    for store in yard.stores.all():
        if store is yard.stores.embedded:
            continue  # those came with the rows
        for blob in store.list():
            with store.open(blob.sha256) as stream:
                inside.put(stream, expect=blob.sha256)
            copied += 1
    elsewhere = delete(settings).where(settings.c.key == _PLACE)
    database.transact(lambda connection: connection.execute(elsewhere))
    return copied
