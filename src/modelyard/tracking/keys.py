"""Keys as numbers: a name gets its number once, and keeps it. Numbers are remembered in the process after they were
committed, so that a write does not ask for them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select

from modelyard.stores.rows.engine import Database
from modelyard.stores.rows.upsert import upsert
from modelyard.tracking.tables import keys as table

MOST = 200_000
"""Names remembered at most."""
_AT_ONCE = 500


class Keys:
    """The keys of a database. Threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ids: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def settle(self, names: Iterable[str]) -> Mapping[str, int]:
        """The numbers of the names; new ones get theirs, in a transaction of its own."""
        wanted = set(names)
        missing = sorted(wanted - self._ids.keys())
        if missing:
            self._learn(missing)
            new = [name for name in missing if name not in self._ids]
            if new:
                rows = [{"name": name} for name in new]
                self._database.transact(lambda c: upsert(c, table, rows, keys=["name"]))
                self._learn(new)
        return {name: self._ids[name] for name in wanted}

    def find(self, names: Iterable[str]) -> Mapping[str, int]:
        """The numbers of those names that were ever used."""
        wanted = set(names)
        missing = sorted(wanted - self._ids.keys())
        if missing:
            self._learn(missing)
        return {name: self._ids[name] for name in wanted if name in self._ids}

    def names(self, connection: Connection, ids: Iterable[int]) -> Mapping[int, str]:
        """The names of numbers that were read from committed rows."""
        wanted = set(ids)
        missing = sorted(wanted - self._names.keys())
        for i in range(0, len(missing), _AT_ONCE):
            chunk = missing[i : i + _AT_ONCE]
            query = select(table.c.name, table.c.id).where(table.c.id.in_(chunk))
            self._remember(connection.execute(query).all())
        return self._names if missing or len(wanted) > 8 else {i: self._names[i] for i in wanted}

    def _learn(self, names: list[str]) -> None:
        for i in range(0, len(names), _AT_ONCE):
            query = select(table.c.name, table.c.id).where(
                table.c.name.in_(names[i : i + _AT_ONCE])
            )
            with self._database.read() as connection:
                self._remember(connection.execute(query).all())

    def _remember(self, rows: Iterable[tuple[str, int]]) -> None:  # type: ignore[type-arg]
        if len(self._ids) > MOST:
            self._ids, self._names = {}, {}
        for name, number in rows:
            self._ids[name] = number
            self._names[number] = name
