"""Keys keep their numbers, also when there are more of them than a process remembers."""

from __future__ import annotations

import pytest

from modelyard.stores.rows import connect
from modelyard.tracking import keys
from modelyard.tracking.keys import Keys


def test_more_names_than_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "MOST", 3)
    monkeypatch.setattr(keys, "_AT_ONCE", 2)
    names = [f"key {n}" for n in range(7)]
    with connect("sqlite://") as database:
        mine = Keys(database)
        numbers = mine.settle(names)
        assert set(numbers) == set(names)
        assert (
            mine.settle(names)
            == mine.find([*names, "never"])
            == Keys(database).find(names)
            == numbers
        )
        with database.read() as connection:
            found = mine.names(connection, numbers.values())
        assert found == {number: name for name, number in numbers.items()}
