"""Keys as numbers: a name gets its number once, and keeps it. Numbers are remembered in the process after they were
committed, so that a write does not ask for them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from modelyard.stores.rows.engine import Database
from modelyard.stores.rows.upsert import upsert
from modelyard.tracking.tables import keys as table

MOST = 200_000
"""Names remembered at most."""
_AT_ONCE = 500
_NAMED = select(table.c.name, table.c.id)


class Keys:
    """The keys of a database. Threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ids: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def settle(self, names: Iterable[str]) -> Mapping[str, int]:
        """The numbers of the names; new ones get theirs, in a transaction of its own."""
        wanted = set(names)
        known = self.find(wanted)
        new = sorted(wanted - known.keys())
        if not new:
            return known
        rows = [{"name": name} for name in new]
        self._database.transact(lambda c: upsert(c, table, rows, keys=["name"]))
        return {**known, **self.find(new)}

    def find(self, names: Iterable[str]) -> Mapping[str, int]:
        """The numbers of those names that were ever used."""
        wanted = set(names)
        known = {name: self._ids[name] for name in wanted & self._ids.keys()}
        missing = sorted(wanted - known.keys())
        for i in range(0, len(missing), _AT_ONCE):
            query = _NAMED.where(table.c.name.in_(missing[i : i + _AT_ONCE]))
            with self._database.read() as connection:
                known.update(self._remember(connection.execute(query).all()))
        return known

    def names(self, connection: Connection, ids: Iterable[int]) -> Mapping[int, str]:
        """The names of numbers that were read from committed rows."""
        wanted = set(ids)
        known = {number: self._names[number] for number in wanted & self._names.keys()}
        missing = sorted(wanted - known.keys())
        for i in range(0, len(missing), _AT_ONCE):
            query = _NAMED.where(table.c.id.in_(missing[i : i + _AT_ONCE]))
            found = self._remember(connection.execute(query).all())
            known.update((number, name) for name, number in found.items())
        return known

    def _remember(self, rows: Sequence[Any]) -> dict[str, int]:
        """Keep what was read for the next time; what is too much is forgotten, so nobody reads its answer there."""
        found: dict[str, int] = dict(rows)
        if len(self._ids) + len(found) > MOST:
            self._ids, self._names = {}, {}
        self._ids.update(found)
        self._names.update((number, name) for name, number in found.items())
        return found
