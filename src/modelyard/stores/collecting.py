"""gc: remove the blobs that nobody refers to. Who waits for whom is told in `stores.references`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from modelyard.base.clock import now_ms
from modelyard.base.errors import Overloaded
from modelyard.stores.interface import Blob, Store
from modelyard.stores.placing import Stores
from modelyard.stores.putting import ABANDONED_MS
from modelyard.stores.references import LEASE_MS, bury, bury_for_the_dead, expire_pins
from modelyard.stores.rows.engine import Database
from modelyard.stores.sql import delete_blob
from modelyard.stores.tables import blob_marks, blob_refs

GRACE_MS = ABANDONED_MS
"""What was put within a day is kept, needed or not."""

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Collected:
    """What gc removed, or would have removed."""

    blobs: int = 0
    size: int = 0
    unfinished: int = 0
    """Pieces of uploads that died."""


def collect(
    stores: Stores,
    grace_ms: int = GRACE_MS,
    *,
    dry_run: bool = False,
    at_ms: int | None = None,
) -> Collected:
    """Remove every blob that nobody refers to and nobody has put for ``grace_ms``, and what dead uploads left; as of
    ``at_ms``, which is now if not given."""
    at_ms = now_ms() if at_ms is None else at_ms
    limit, dead_ms = at_ms - grace_ms, at_ms - ABANDONED_MS
    unfinished = 0
    if not dry_run:
        stores.database.transact(partial(expire_pins, before_ms=dead_ms))
        unfinished = sum(store.sweep(dead_ms) for store in stores.all())
    blobs = size = 0
    for store in stores.all():
        if not dry_run and store is not stores.embedded:
            _finish_the_dead(stores.database, store)
        for batch in _batched(store.list()):
            for blob in _unneeded(stores.database, batch, limit, mark=not dry_run):
                if dry_run or _take(stores, store, blob, limit):
                    blobs, size = blobs + 1, size + blob.size
    return Collected(blobs, size, unfinished)


def collect_these(stores: Stores, blobs: Iterable[Blob]) -> int:
    """Remove those of these blobs that nobody refers to, without any grace. Returns how many went."""
    there = ((stores.holding(blob.sha256), blob) for blob in blobs)
    return sum(_take(stores, store, blob, now_ms() + 1) for store, blob in there if store)


def _unneeded(
    database: Database, batch: Sequence[Blob], limit: int, *, mark: bool
) -> Iterator[Blob]:
    """The blobs that may go, as things stand; `_take` looks again."""
    digests = [blob.sha256 for blob in batch]
    with database.read() as connection:
        refs = select(blob_refs.c.digest).where(blob_refs.c.digest.in_(digests)).distinct()
        needed = set(connection.scalars(refs))
        marks = select(blob_marks.c.digest, blob_marks.c.at_ms)
        found = connection.execute(marks.where(blob_marks.c.digest.in_(digests)))
        ages = {row.digest: row.at_ms for row in found}
    unmarked = [digest for digest in digests if digest not in ages]
    if unmarked and mark:
        database.transact(partial(_mark, unmarked))
    for blob in batch:
        if blob.sha256 not in needed and ages.get(blob.sha256, now_ms()) <= limit:
            yield blob


def _mark(digests: Sequence[str], connection: Connection) -> None:
    there = blob_marks.c.digest.in_(digests)
    known = set(connection.scalars(select(blob_marks.c.digest).where(there)))
    rows = [{"digest": d, "at_ms": now_ms()} for d in sorted(set(digests) - known)]
    try:
        if rows:
            connection.execute(insert(blob_marks), rows)
    except IntegrityError as error:
        raise Overloaded("others are marking blobs", transient=True) from error


def _take(stores: Stores, store: Store, blob: Blob, limit: int) -> bool:
    """Remove one blob, unless somebody came to need it."""
    if store is stores.embedded:
        return stores.database.transact(partial(_take_embedded, blob.sha256, limit))
    condemned = stores.database.transact(partial(_condemn, blob.sha256, limit))
    if condemned is None:
        return False
    if now_ms() - condemned < LEASE_MS:  # else another has finished it meanwhile
        store.delete([blob.sha256])
    stores.database.transact(partial(bury, blob.sha256, condemned))
    return True


def _take_embedded(digest: str, limit: int, connection: Connection) -> bool:
    if not _may_go(digest, limit, connection):
        return False
    connection.execute(delete(blob_marks).where(blob_marks.c.digest == digest))
    return delete_blob(digest, connection) > 0


def _condemn(digest: str, limit: int, connection: Connection) -> int | None:
    if not _may_go(digest, limit, connection):
        return None
    at_ms = now_ms()
    mine = blob_marks.c.digest == digest
    connection.execute(update(blob_marks).where(mine).values(condemned_ms=at_ms))
    return at_ms


def _may_go(digest: str, limit: int, connection: Connection) -> bool:
    """Whether nobody needs a blob, for as long as the transaction holds its mark."""
    mine = blob_marks.c.digest == digest
    row = connection.execute(select(blob_marks).where(mine).with_for_update()).first()
    if row is None or row.condemned_ms is not None or row.at_ms > limit:
        return False
    return not connection.scalar(select(exists().where(blob_refs.c.digest == digest)))


def _finish_the_dead(database: Database, store: Store) -> None:
    """Delete what a gc condemned that died before it deleted the bytes."""
    old = blob_marks.c.condemned_ms < now_ms() - LEASE_MS
    with database.read() as connection:
        rows = connection.execute(select(blob_marks).where(old)).all()
    for row in rows:
        finish = partial(store.delete, [row.digest])
        bury_for_the_dead(database, row.digest, row.condemned_ms, finish)


def _batched(blobs: Iterable[Blob]) -> Iterator[Sequence[Blob]]:
    left = iter(blobs)
    while batch := list(itertools.islice(left, _BATCH)):
        yield batch
