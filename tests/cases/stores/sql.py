"""A database: damage is an UPDATE of one chunk."""

from __future__ import annotations

from sqlalchemy import func, select, update

from modelyard.stores.rows import Database
from modelyard.stores.sql import SqlStore
from modelyard.stores.tables import blob_chunks, blobs
from modelyard.testing.stores import MB, Bench


def bench(database: Database) -> Bench:
    def damage(digest: str, place: int) -> None:
        number, offset = divmod(place, MB)
        with database.write() as connection:
            mine = blobs.c.digest == digest
            upload_id = connection.execute(select(blobs.c.upload_id).where(mine)).scalar_one()
            chunk = (blob_chunks.c.upload_id == upload_id, blob_chunks.c.position == number)
            data = bytearray(
                connection.execute(select(blob_chunks.c.data).where(*chunk)).scalar_one()
            )
            data[offset] ^= 1
            connection.execute(update(blob_chunks).where(*chunk).values(data=bytes(data)))

    def leftovers() -> int:
        ready = select(blobs.c.upload_id)
        query = select(func.count()).where(blob_chunks.c.upload_id.not_in(ready))
        with database.read() as connection:
            return connection.execute(query).scalar_one()

    return Bench(SqlStore(database), lambda: SqlStore(database), damage, leftovers)
