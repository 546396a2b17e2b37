"""Uploads in parts: begun, sent in any order and at once, asked about, completed or given up.

A part is a blob of its own that ``upload:<id>`` refers to, so that it is verified, kept once when it is sent twice, and
safe from gc while the upload lives. Completing joins the parts into the file's blob and gives it its path in one
transaction; before that nothing is seen. What nobody touched for a day goes with `Uploads.sweep`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, cast

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from modelyard.base.clock import new_id, now_ms
from modelyard.base.errors import DigestMismatch, InvalidInput, NotFound, Overloaded
from modelyard.base.paths import artifact_segments
from modelyard.stores.collecting import collect_these
from modelyard.stores.interface import Blob
from modelyard.stores.overlay import Artifacts, Entry, checked_owner, place_pinned
from modelyard.stores.placing import Joined
from modelyard.stores.putting import ABANDONED_MS, checked
from modelyard.stores.references import new_pin, refer, release
from modelyard.stores.tables import upload_parts, uploads

MAX_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is here. Numbers begin at 1."""

    number: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload and what is here of it. ``done`` is what it became."""

    id: str
    owner: str
    path: str
    size: int | None
    sha256: str | None
    parts: tuple[Part, ...]
    done: Blob | None

    @property
    def received(self) -> int:
        """Bytes that are here."""
        return sum(part.size for part in self.parts)


class Uploads:
    """The uploads in parts of one database. Threads and processes may share it."""

    def __init__(self, artifacts: Artifacts) -> None:
        self._artifacts = artifacts
        self._database, self._stores = artifacts.database, artifacts.stores

    def begin(
        self, owner: str, path: str, *, size: int | None = None, sha256: str | None = None
    ) -> Upload:
        """Begin to upload a file; what is announced is checked at the end."""
        owner = checked_owner(owner)
        artifact_segments(path)
        if sha256 is not None:
            checked(sha256)
        if size is not None and size < 0:
            raise InvalidInput(f"size={size}: a file has no bytes or more")
        values = {"id": new_id(), "owner": owner, "path": path, "size": size, "sha256": sha256}
        row = insert(uploads).values(**values, at_ms=now_ms())
        self._database.transact(lambda connection: connection.execute(row))
        return self.get(values["id"])

    def get(self, upload_id: str) -> Upload:
        """An upload and the parts that are here; `NotFound` when it was given up."""
        with self._database.read() as connection:
            row = _row(connection, upload_id)
            mine = upload_parts.c.upload_id == upload_id
            found = connection.execute(
                select(upload_parts).where(mine).order_by(upload_parts.c.number)
            )
            parts = tuple(Part(p.number, p.size, p.digest) for p in found)
        done = Blob(row.done_sha256, row.done_size) if row.done_sha256 else None
        return Upload(row.id, row.owner, row.path, row.size, row.sha256, parts, done)

    def put_part(
        self, upload_id: str, number: int, stream: IO[bytes], size: int | None = None
    ) -> Part:
        """Keep one part, instead of the one with this number."""
        if not 1 <= number <= MAX_PARTS:
            raise InvalidInput(f"part {number}: they are numbered from 1 to {MAX_PARTS:,}")
        if self.get(upload_id).done is not None:
            raise InvalidInput(f"upload {upload_id} is complete; it takes no more parts")
        pin = new_pin()
        blob = self._stores.put(stream, size, pin=pin)
        replaced = self._database.transact(partial(_keep_part, upload_id, number, blob, pin))
        collect_these(self._stores, replaced)
        return Part(number, blob.size, blob.sha256)

    def complete(self, upload_id: str) -> Entry:
        """Join the parts, verify what was announced, and let the file appear. Asked again, it answers the same."""
        upload = self.get(upload_id)
        if upload.done is not None:
            return self._artifacts.file(upload.owner, upload.path)
        self._check(upload)
        pin = new_pin()
        blob = self._joined(upload, pin)
        entry = self._database.transact(partial(_finish, upload, blob, pin))
        self._drop_parts(upload, keep=blob.sha256)
        return entry

    def _check(self, upload: Upload) -> None:
        numbers = [part.number for part in upload.parts]
        if not numbers and upload.size != 0:
            raise InvalidInput(f"upload {upload.id} has no parts yet")
        if numbers != list(range(1, len(numbers) + 1)):
            missing = next(n for n in range(1, MAX_PARTS + 1) if n not in set(numbers))
            raise InvalidInput(f"upload {upload.id} lacks part {missing}")
        if upload.size is not None and upload.received != upload.size:
            raise InvalidInput(f"{upload.size} bytes were announced, and {upload.received} came")

    def _joined(self, upload: Upload, pin: str) -> Blob:
        """All parts as one blob. A single part is that blob already."""
        if len(upload.parts) == 1 and upload.sha256 not in (None, upload.parts[0].sha256):
            raise DigestMismatch(
                f"sha256:{upload.sha256} was announced and sha256:{upload.parts[0].sha256} came",
                digest=upload.sha256,
            )
        with _opened(self._stores, upload.parts) as stream:
            return self._stores.put(stream, upload.received, expect=upload.sha256, pin=pin)

    def abort(self, upload_id: str) -> None:
        """Give an upload up; one that is not there is no error."""
        try:
            upload = self.get(upload_id)
        except NotFound:
            return
        self._database.transact(partial(_forget, upload_id))
        self._drop_parts(upload)

    def sweep(self, before_ms: int | None = None) -> int:
        """Give up the uploads that nobody touched since then (a day ago, if not given). Returns how many."""
        limit = now_ms() - ABANDONED_MS if before_ms is None else before_ms
        with self._database.read() as connection:
            old = connection.scalars(select(uploads.c.id).where(uploads.c.at_ms < limit)).all()
        for upload_id in old:
            self.abort(upload_id)
        return len(old)

    def _drop_parts(self, upload: Upload, keep: str = "") -> None:
        """The bytes of parts that nobody needs go now: they would double what is stored for a day."""
        blobs = [Blob(p.sha256, p.size) for p in upload.parts if p.sha256 != keep]
        collect_these(self._stores, blobs)


class _opened:  # noqa: N801 - reads as the function it stands for
    """The parts one after another, each opened when it is its turn."""

    def __init__(self, stores: Any, parts: tuple[Part, ...]) -> None:
        self._stores, self._parts = stores, parts

    def __enter__(self) -> IO[bytes]:
        return cast(IO[bytes], Joined(self._streams()))

    def __exit__(self, *_: object) -> None: ...

    def _streams(self) -> Iterator[IO[bytes]]:
        for part in self._parts:
            with self._stores.open(part.sha256, part.size) as stream:
                yield stream


def _row(connection: Connection, upload_id: str, *, lock: bool = False) -> Any:
    query = select(uploads).where(uploads.c.id == upload_id)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(f"no upload {upload_id}", hint="it was given up, or never begun: begin anew")
    return row


def _keep_part(
    upload_id: str, number: int, blob: Blob, pin: str, connection: Connection
) -> list[Blob]:
    """Give a part its number. Returns the blob that had it, if no part needs that any more."""
    row = _row(connection, upload_id, lock=True)
    if row.done_sha256 is not None:
        raise InvalidInput(f"upload {upload_id} is complete; it takes no more parts")
    refer(connection, f"upload:{upload_id}", [blob.sha256])
    mine = (upload_parts.c.upload_id == upload_id, upload_parts.c.number == number)
    before = connection.execute(select(upload_parts).where(*mine)).first()
    connection.execute(delete(upload_parts).where(*mine))
    values = {"upload_id": upload_id, "number": number, "digest": blob.sha256, "size": blob.size}
    try:
        connection.execute(insert(upload_parts).values(values))
    except IntegrityError as error:
        raise Overloaded(f"others are sending part {number}", transient=True) from error
    connection.execute(update(uploads).where(uploads.c.id == upload_id).values(at_ms=now_ms()))
    release(connection, pin)
    if before is None or _used(upload_id, before.digest, connection):
        return []
    release(connection, f"upload:{upload_id}", [before.digest])
    return [Blob(before.digest, before.size)]


def _used(upload_id: str, digest: str, connection: Connection) -> bool:
    mine = (upload_parts.c.upload_id == upload_id, upload_parts.c.digest == digest)
    return connection.execute(select(upload_parts.c.number).where(*mine)).first() is not None


def _finish(upload: Upload, blob: Blob, pin: str, connection: Connection) -> Entry:
    _row(connection, upload.id, lock=True)
    segments = artifact_segments(upload.path)
    entry = place_pinned(upload.owner, segments, blob, pin, connection)
    values = {"done_sha256": blob.sha256, "done_size": blob.size, "at_ms": now_ms()}
    connection.execute(update(uploads).where(uploads.c.id == upload.id).values(**values))
    _forget_parts(upload.id, connection)
    return entry


def _forget(upload_id: str, connection: Connection) -> None:
    _forget_parts(upload_id, connection)
    connection.execute(delete(uploads).where(uploads.c.id == upload_id))


def _forget_parts(upload_id: str, connection: Connection) -> None:
    connection.execute(delete(upload_parts).where(upload_parts.c.upload_id == upload_id))
    release(connection, f"upload:{upload_id}")
