"""A database: another handle opens it again."""

from __future__ import annotations

from modelyard.registry.sql import SqlRegistry
from modelyard.stores.rows import Database
from modelyard.testing.registries import Bench


def bench(database: Database) -> Bench:
    return Bench(SqlRegistry(database), lambda: SqlRegistry(database))
