"""Writes of several threads share a commit, and nothing else."""

from __future__ import annotations

import contextvars
import threading
from pathlib import Path

import pytest
from sqlalchemy import event, insert, select

from modelyard.base.errors import InvalidInput
from modelyard.stores.once import forget, once
from modelyard.stores.rows import Database, connect
from modelyard.stores.tables import requests

who = contextvars.ContextVar("who", default="nobody")


@pytest.fixture
def database(tmp_path: Path):
    with connect(tmp_path / "yard.db") as database:
        yield database


def keep(key: str):
    return lambda connection: connection.execute(
        insert(requests).values(key=key, at_ms=1, answer=who.get())
    )


def kept(database: Database) -> dict[str, str]:
    with database.read() as connection:
        return dict(connection.execute(select(requests.c.key, requests.c.answer)).all())


def test_writes_that_wait_share_one_commit(database: Database) -> None:
    commits, arrived, go = [], threading.Semaphore(0), threading.Event()
    event.listen(database.engine, "commit", lambda _: commits.append(1))

    def first(connection) -> None:
        arrived.release()
        assert go.wait(10)
        keep("first")(connection)

    def other(name: str) -> None:
        who.set(name)

        def write(connection) -> None:
            keep(name)(connection)
            if name == "bad":
                raise InvalidInput("no")

        arrived.release()
        try:
            database.transact(write)
        except InvalidInput:
            failed.append(name)

    failed: list[str] = []
    leader = threading.Thread(target=database.transact, args=[first])
    leader.start()
    assert arrived.acquire(timeout=10)
    others = [threading.Thread(target=other, args=[name]) for name in ("a", "bad", "b")]
    for thread in others:
        thread.start()
        assert arrived.acquire(timeout=10)
    while len(database._groups._waiting) < 3:  # all stand in the queue behind the first
        pass
    go.set()
    for thread in (leader, *others):
        thread.join(10)
    assert failed == ["bad"]
    # each ran in its own context, whoever led
    assert kept(database) == {"first": "nobody", "a": "a", "b": "b"}
    assert len(commits) == 2


def test_a_key_is_done_once_and_answers_again(database: Database) -> None:
    done: list[int] = []
    for number in range(3):
        answer = once(database, "key", lambda _, n=number: done.append(n) or {"n": n})
        assert answer == {"n": 0}
    assert done == [0]
    assert forget(database) == 0
    assert forget(database, before_ms=2**62) == 1
    assert once(database, "key", lambda _: 7) == 7


def test_what_failed_under_a_key_may_be_tried_again(database: Database) -> None:
    def fails(connection) -> None:
        keep("inside")(connection)
        raise InvalidInput("not yet")

    with pytest.raises(InvalidInput, match="not yet"):
        once(database, "key", fails)
    assert kept(database) == {}
    assert once(database, "key", lambda _: 1) == 1


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_key_has_a_length(database: Database, key: str) -> None:
    with pytest.raises(InvalidInput, match="idempotency key"):
        once(database, key, lambda _: None)
