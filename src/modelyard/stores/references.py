"""Who needs which blob, and how gc and everybody else keep out of each other's way (P17).

Each blob has a row in ``my_blob_marks``, wherever its bytes are. It says when the blob was last put, and it is the
lock that all take who decide about the blob:

- **A put** pins the blob when all bytes are uploaded and before they become visible, or before it relies on a blob
  that is here already: lock the mark, touch it, write a reference of the owner ``pin:<id>``, commit. Only then it
  looks whether the blob is (still) here, and publishes its bytes if not. Pins of the dead expire after a day.
- **A new reference** (`refer`) locks the marks, and is refused when one is gone or condemned. The pin goes in the
  same transaction. So between a put and its reference there is no moment without one of the two.
- **gc** (`stores.collecting`) locks the mark, and looks again: referred to, pinned, or touched within the grace
  means keep. Embedded bytes are deleted in that same transaction. Bytes in a folder or bucket cannot be: gc
  writes a tombstone (``condemned_ms``), commits, deletes the bytes, and removes the mark in a second transaction.
- **Who meets a tombstone** waits until it is gone and then puts the bytes again. The tombstone of a gc that died is
  finished by whoever meets it after `LEASE_MS`; a gc that slept for that long deletes nothing any more.

A blob without a mark was put by nobody here (a restored folder): gc marks it and takes it a grace later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from modelyard.base.clock import new_id, now_ms
from modelyard.base.errors import Conflict, Overloaded
from modelyard.stores.putting import ABANDONED_MS
from modelyard.stores.rows.engine import Database
from modelyard.stores.tables import blob_marks, blob_refs

PIN = "pin:"
LEASE_MS = 10 * 60 * 1000
"""How long a gc may take from a tombstone to the deletion of the bytes."""

_WAIT_SECONDS = 30
_BATCH = 500


def refer(connection: Connection, owner: str, digests: Sequence[str]) -> None:
    """Record that ``owner`` needs these blobs, in the caller's transaction.

    `Conflict` when gc took one of them, or is about to; `Overloaded` when others refer at the same moment.
    """
    wanted = sorted(set(digests))
    for batch in _batches(wanted):
        mine = (blob_refs.c.owner == owner, blob_refs.c.digest.in_(batch))
        known = set(connection.scalars(select(blob_refs.c.digest).where(*mine)))
        fresh = [digest for digest in batch if digest not in known]
        if not fresh:
            continue
        _lock(connection, fresh)
        try:
            connection.execute(insert(blob_refs), [{"owner": owner, "digest": d} for d in fresh])
        except IntegrityError as error:
            raise Overloaded(f"others are adding what {owner} needs", transient=True) from error


def refer_all(connection: Connection, wanted: Mapping[str, Iterable[str]]) -> None:
    """The same for owners that need nothing yet."""
    rows = [{"owner": owner, "digest": d} for owner, some in wanted.items() for d in sorted(some)]
    for batch in _batches(sorted({row["digest"] for row in rows})):
        _lock(connection, batch)
    if rows:
        try:
            connection.execute(insert(blob_refs), rows)
        except IntegrityError as error:
            raise Overloaded("others are adding what the same needs", transient=True) from error


def _lock(connection: Connection, digests: Sequence[str]) -> None:
    query = select(blob_marks.c.digest, blob_marks.c.condemned_ms).where(
        blob_marks.c.digest.in_(digests)
    )
    rows = connection.execute(query.order_by(blob_marks.c.digest).with_for_update()).all()
    alive = {row.digest for row in rows if row.condemned_ms is None}
    for digest in digests:
        if digest not in alive:
            raise Conflict(
                f"blob sha256:{digest} was not needed by anybody and has been removed",
                hint="put it again",
            )


def release(connection: Connection, owner: str, digests: Iterable[str] | None = None) -> None:
    """Record that ``owner`` does not need these blobs (none at all, if not given) any more; gc takes what nobody
    needs."""
    if digests is None:
        connection.execute(delete(blob_refs).where(blob_refs.c.owner == owner))
        return
    for batch in _batches(sorted(set(digests))):
        mine = (blob_refs.c.owner == owner, blob_refs.c.digest.in_(batch))
        connection.execute(delete(blob_refs).where(*mine))


def new_pin() -> str:
    """An owner for the time between a put and its reference; it carries its own time."""
    return f"{PIN}{new_id()}"


def pin(database: Database, digest: str, owner: str, finish: Callable[[], object]) -> None:
    """Keep gc off a blob from here on until the owner (a `new_pin`) is released, or a day has passed.

    Waits while gc is removing that very blob. ``finish`` deletes the bytes, for a gc that died over it.
    """
    end = time.monotonic() + _WAIT_SECONDS
    while (condemned := database.transact(partial(_touch, digest, owner))) is not None:
        if condemned < now_ms() - LEASE_MS:
            bury_for_the_dead(database, digest, condemned, finish)
        elif time.monotonic() > end:
            raise Overloaded(f"blob sha256:{digest} is just being removed; try again later")
        else:
            time.sleep(0.05)


def _touch(digest: str, owner: str, connection: Connection) -> int | None:
    """Mark a blob as put now. When it is condemned nothing happens, and the answer is since when."""
    mine = blob_marks.c.digest == digest
    row = connection.execute(
        select(blob_marks.c.condemned_ms).where(mine).with_for_update()
    ).first()
    if row is None:
        try:
            connection.execute(insert(blob_marks).values(digest=digest, at_ms=now_ms()))
        except IntegrityError as error:  # somebody else did after we looked
            raise Overloaded(f"others are putting sha256:{digest}", transient=True) from error
    elif row.condemned_ms is not None:
        return row.condemned_ms
    else:
        connection.execute(update(blob_marks).where(mine).values(at_ms=now_ms()))
    refer(connection, owner, [digest])
    return None


def bury_for_the_dead(
    database: Database, digest: str, condemned_ms: int, finish: Callable[[], object]
) -> None:
    """Finish what a gc left that died: one of those who try gets a new lease, deletes the bytes, removes the mark."""
    mine = database.transact(partial(_take_over, digest, condemned_ms))
    if mine is not None:
        finish()
        database.transact(partial(bury, digest, mine))


def _take_over(digest: str, condemned_ms: int, connection: Connection) -> int | None:
    at_ms = now_ms()
    stale = (blob_marks.c.digest == digest, blob_marks.c.condemned_ms == condemned_ms)
    done = connection.execute(update(blob_marks).where(*stale).values(condemned_ms=at_ms))
    return at_ms if done.rowcount else None


def bury(digest: str, condemned_ms: int, connection: Connection) -> None:
    """Remove a tombstone: the bytes are gone."""
    mine = (blob_marks.c.digest == digest, blob_marks.c.condemned_ms == condemned_ms)
    connection.execute(delete(blob_marks).where(*mine))


def expire_pins(connection: Connection, before_ms: int | None = None) -> None:
    """Let go of what puts pinned that died; by default more than a day ago."""
    limit = now_ms() - ABANDONED_MS if before_ms is None else before_ms
    oldest = f"{PIN}{max(limit, 0):012x}"  # a UUIDv7 begins with its time
    pins = (blob_refs.c.owner > PIN, blob_refs.c.owner < oldest)
    connection.execute(delete(blob_refs).where(*pins))


def _batches(digests: Sequence[str]) -> Iterable[Sequence[str]]:
    return (digests[start : start + _BATCH] for start in range(0, len(digests), _BATCH))
