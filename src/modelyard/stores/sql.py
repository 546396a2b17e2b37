"""Blobs inside a database, in chunks of one megabyte: one file holds a whole yard.

An upload writes its chunks in short transactions, so nobody waits long and no log grows to the size of the blob. Its
last transaction writes the READY mark, the row in ``my_blobs``: before that nothing of it is visible. What a dead
upload leaves goes with `SqlStore.sweep`.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import IO, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from modelyard.base.clock import new_id, now_ms
from modelyard.base.digests import CHUNK
from modelyard.base.errors import Conflict, Corrupted, FileMissing, ModelyardError
from modelyard.stores.interface import Before, Blob
from modelyard.stores.putting import ABANDONED_MS, checked, matched, seen_before, told, whole_chunks
from modelyard.stores.rows.engine import Database, connect
from modelyard.stores.tables import blob_chunks, blobs
from modelyard.stores.verifying import reader

SCHEMES = ("sqlite", "postgresql", "postgres", "mysql", "mariadb")

_PAGE = 1000
_BATCH = 8
"""Chunks a transaction: other writers wait some 30 ms at most, and one flush to the disk serves eight."""


def from_uri(uri: str) -> SqlStore:
    """The store in a database, which closes with it."""
    return SqlStore(connect(uri), owns=True)


class _Upload(NamedTuple):
    """An upload whose chunks are all there but the last ones, which begin at position ``start``."""

    id: str
    blob: Blob
    start: int
    last: Sequence[bytes]


class SqlStore:
    """Blobs in the tables ``my_blobs`` and ``my_blob_chunks``. Threads and processes may share it."""

    def __init__(self, database: Database, *, owns: bool = False) -> None:
        self._database = database
        self._owns = owns

    def __repr__(self) -> str:
        return f"SqlStore({self._database!r})"

    def put(
        self, stream: IO[bytes], *, expect: str | None = None, before: Before | None = None
    ) -> Blob:
        if known := seen_before(stream, self.stat, before, expect):
            return known
        upload_id = new_id()
        try:
            upload = self._send(upload_id, stream)
            matched(upload.blob.sha256, expect)
            told(before, upload.blob)
            self._finish(upload)
        except BaseException:
            # Only tidiness: nobody sees these chunks, and a sweep finds them.
            with contextlib.suppress(ModelyardError):
                self._forget(upload_id)
            raise
        return upload.blob

    def _send(self, upload_id: str, stream: IO[bytes]) -> _Upload:
        """Write all chunks but the last few, which go with the READY mark."""
        digest, size, start = hashlib.sha256(), 0, 0
        held: list[bytes] = []
        for piece in whole_chunks(stream):
            if len(held) == _BATCH:
                self._database.transact(partial(_write_chunks, upload_id, start, held))
                held, start = [], start + _BATCH
            held.append(piece)
            digest.update(piece)
            size += len(piece)
        return _Upload(upload_id, Blob(digest.hexdigest(), size), start, held)

    def _finish(self, upload: _Upload) -> None:
        """Make the blob visible, or let go when somebody else did in the meantime."""
        try:
            self._database.transact(partial(_write_ready, upload))
        except IntegrityError:
            if self.stat(upload.blob.sha256) is None:
                raise
            self._forget(upload.id)

    def _forget(self, upload_id: str) -> bool:
        return self._database.transact(partial(_drop_upload, upload_id))

    def open(self, sha256: str, *, verify: bool = True) -> IO[bytes]:
        where = self._database.address.shown
        with self._database.read() as connection:
            row = connection.execute(
                select(blobs.c.upload_id, blobs.c.size).where(blobs.c.digest == checked(sha256))
            ).first()
        if row is None:
            raise FileMissing(f"no blob sha256:{sha256} in {where}")
        chunks = _Chunks(self._database, Blob(sha256, row.size), row.upload_id)
        return reader(chunks, sha256, where, verify=verify)

    def stat(self, sha256: str) -> Blob | None:
        with self._database.read() as connection:
            size = connection.execute(
                select(blobs.c.size).where(blobs.c.digest == checked(sha256))
            ).scalar()
        return None if size is None else Blob(sha256, size)

    def list(self) -> Iterator[Blob]:
        query = select(blobs.c.digest, blobs.c.size).order_by(blobs.c.digest).limit(_PAGE)
        after = query
        while True:  # a page a transaction: a slow reader keeps nobody's log from shrinking
            with self._database.read() as connection:
                page = connection.execute(after).all()
            yield from (Blob(row.digest, row.size) for row in page)
            if len(page) < _PAGE:
                return
            after = query.where(blobs.c.digest > page[-1].digest)

    def delete(self, digests: Iterable[str]) -> int:
        checked_digests = [checked(digest) for digest in digests]
        return sum(
            self._database.transact(partial(delete_blob, digest)) for digest in checked_digests
        )

    def sweep(self, before_ms: int | None = None) -> int:
        limit = now_ms() - ABANDONED_MS if before_ms is None else before_ms
        ready = select(blobs.c.upload_id)
        query = (
            select(blob_chunks.c.upload_id)
            .where(blob_chunks.c.upload_id.not_in(ready))
            .group_by(blob_chunks.c.upload_id)
            .having(func.max(blob_chunks.c.at_ms) < limit)
        )
        with self._database.read() as connection:
            dead = connection.execute(query).scalars().all()
        return sum(self._forget(upload_id) for upload_id in dead)

    def close(self) -> None:
        if self._owns:
            self._database.close()


def _write_chunks(
    upload_id: str, start: int, pieces: Sequence[bytes], connection: Connection
) -> None:
    at_ms = now_ms()
    for position, data in enumerate(pieces, start):  # one statement each: a server limits its size
        values = {"upload_id": upload_id, "position": position, "at_ms": at_ms, "data": data}
        connection.execute(insert(blob_chunks).values(values))


def _write_ready(upload: _Upload, connection: Connection) -> None:
    _write_chunks(upload.id, upload.start, upload.last, connection)
    if _locked(upload.id, connection) != upload.start + len(upload.last):
        raise Conflict("an upload paused for a day and its first part was swept away; put it again")
    values = {
        "digest": upload.blob.sha256,
        "upload_id": upload.id,
        "size": upload.blob.size,
        "at_ms": now_ms(),
    }
    connection.execute(insert(blobs).values(values))


def _locked(upload_id: str, connection: Connection) -> int:
    """How many chunks an upload has. Until the transaction ends nobody else finishes or drops it."""
    query = select(blob_chunks.c.position).where(blob_chunks.c.upload_id == upload_id)
    return len(connection.execute(query.with_for_update()).all())


def _drop_upload(upload_id: str, connection: Connection) -> bool:
    """Remove the chunks of an upload unless it became READY after all."""
    _locked(upload_id, connection)
    if connection.execute(select(blobs.c.size).where(blobs.c.upload_id == upload_id)).first():
        return False
    return _drop_chunks(upload_id, connection)


def _drop_chunks(upload_id: str, connection: Connection) -> bool:
    done = connection.execute(delete(blob_chunks).where(blob_chunks.c.upload_id == upload_id))
    return done.rowcount > 0


def delete_blob(digest: str, connection: Connection) -> int:
    """Remove a blob in the caller's transaction. Returns how many went: one or none."""
    query = select(blobs.c.upload_id).where(blobs.c.digest == digest).with_for_update()
    upload_id = connection.execute(query).scalar()
    if upload_id is None:
        return 0
    connection.execute(delete(blobs).where(blobs.c.digest == digest))
    _drop_chunks(upload_id, connection)
    return 1


class _Chunks:
    """The bytes of a blob, one chunk in memory at a time, each read in a transaction of its own."""

    def __init__(self, database: Database, blob: Blob, upload_id: str) -> None:
        self._database = database
        self._blob = blob
        self._upload_id = upload_id
        self._held: tuple[int, bytes] = (-1, b"")
        self.size = blob.size

    def at(self, position: int, length: int) -> bytes:
        if position >= self.size:
            return b""
        number, offset = divmod(position, CHUNK)
        if self._held[0] != number:
            self._held = (number, self._fetch(number))
        return self._held[1][offset : offset + length]

    def _fetch(self, number: int) -> bytes:
        mine = (blob_chunks.c.upload_id == self._upload_id, blob_chunks.c.position == number)
        ready = blobs.c.upload_id == self._upload_id
        with self._database.read() as connection:
            data = connection.execute(select(blob_chunks.c.data).where(*mine)).scalar()
            there = (
                data is not None or connection.execute(select(blobs.c.size).where(ready)).first()
            )
        where = f"blob sha256:{self._blob.sha256} in {self._database.address.shown}"
        if not there:
            raise FileMissing(f"{where} was deleted while it was read")
        if data is None:
            raise Corrupted(
                f"{where} is damaged: chunk {number} is missing", digest=self._blob.sha256
            )
        return bytes(data)

    def close(self) -> None:
        self._held = (-1, b"")
