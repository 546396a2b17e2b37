"""Do a thing once, however often it is asked for (P6): a request's key is written in the transaction that does it.

Who asks again under the same key, because the answer was lost, gets the answer of the first time. Keys are kept for
`KEPT_MS` and then swept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from modelyard.base.clock import now_ms
from modelyard.base.errors import InvalidInput, Overloaded
from modelyard.stores.rows.engine import Database
from modelyard.stores.tables import requests

KEPT_MS = 7 * 24 * 3600 * 1000
"""How long an answer is remembered: a week, longer than any client tries again."""
MAX_KEY = 200


def once(database: Database, key: str | None, function: Callable[[Connection], Any]) -> Any:
    """Run a write and return what it returns, which must be JSON; under a key that was used, only return that again.

    Without a key it is `Database.transact`.
    """
    if key is None:
        return database.transact(function)
    if not 0 < len(key) <= MAX_KEY:
        raise InvalidInput(f"an idempotency key has 1 to {MAX_KEY} characters, this one {len(key)}")

    def change(connection: Connection) -> Any:
        known = connection.execute(select(requests.c.answer).where(requests.c.key == key)).first()
        if known is not None:
            return known.answer
        answer = function(connection)
        try:
            connection.execute(insert(requests).values(key=key, at_ms=now_ms(), answer=answer))
        except IntegrityError as error:
            raise Overloaded("the same request is being carried out", transient=True) from error
        return answer

    return database.transact(change)


def forget(database: Database, before_ms: int | None = None) -> int:
    """Sweep the keys from before a moment, by default `KEPT_MS` ago. Returns how many."""
    limit = now_ms() - KEPT_MS if before_ms is None else before_ms
    old = delete(requests).where(requests.c.at_ms < limit)
    return database.transact(lambda connection: connection.execute(old).rowcount)
