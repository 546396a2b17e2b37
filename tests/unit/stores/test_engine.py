"""The engine's promises: transactions, threads, forks, faults."""

from __future__ import annotations

from sqlalchemy import text


def test_reads(database) -> None:
    with database.read() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
