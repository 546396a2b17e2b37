"""Where a yard keeps bytes: small ones inside the database, large ones in a folder; or all in a root that was named."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, cast

from modelyard.base.digests import CHUNK
from modelyard.base.errors import FileMissing, NotSupported
from modelyard.base.paths import full_disk_named
from modelyard.stores.interface import Blob, PresignedStore, Store
from modelyard.stores.putting import checked, measured
from modelyard.stores.references import new_pin
from modelyard.stores.references import pin as pin_blob
from modelyard.stores.rows.engine import Database
from modelyard.stores.sql import SqlStore

EMBEDDED = 64 << 20
"""Files up to this size are kept inside the database, larger ones outside."""

_IN_MEMORY = 4 << 20


class Stores:
    """The stores of one database. ``outside`` opens the folder or bucket when it is first needed; with ``embed``
    it gets only what is larger than `EMBEDDED`. Every put is marked in the database, so that gc knows its age."""

    def __init__(
        self, database: Database, outside: Callable[[], Store] | None, *, embed: bool
    ) -> None:
        self.database = database
        self.embedded = SqlStore(database) if embed or outside is None else None
        self._open_outside = outside
        self._outside: Store | None = None

    @property
    def outside(self) -> Store | None:
        """The folder or bucket, if there is one."""
        if self._outside is None and self._open_outside is not None:
            self._outside = self._open_outside()
        return self._outside

    def of(self, size: int) -> Store:
        """The store for a blob of that size."""
        if self.embedded is not None and (size <= EMBEDDED or self._open_outside is None):
            return self.embedded
        assert self.outside is not None
        return self.outside

    def put(
        self,
        stream: IO[bytes],
        size: int | None = None,
        *,
        expect: str | None = None,
        pin: str | None = None,
    ) -> Blob:
        """Keep the rest of a stream, of any length when ``size`` is not given. gc keeps off until the ``pin``
        (`new_pin`) is released, which whoever refers to the blob does in the same transaction; without, for a day."""
        if expect is not None:
            checked(expect)
        pin = pin or new_pin()
        stream, size = measured(stream, size)
        if size is None and self.embedded is not None and self._open_outside is not None:
            return self._put_unmeasured(stream, expect, pin)
        return self._put(self.of(size or 0), stream, expect, pin)

    def _put(self, store: Store, stream: IO[bytes], expect: str | None, pin: str) -> Blob:
        return store.put(stream, expect=expect, before=partial(self._pin, store, pin))

    def _pin(self, store: Store, pin: str, blob: Blob) -> None:
        finish = partial(store.delete, [blob.sha256])
        pin_blob(self.database, blob.sha256, pin, finish)

    @property
    def presigned(self) -> PresignedStore | None:
        """The bucket, where all files are in one that lets clients transfer by themselves."""
        only = self.outside if self.embedded is None else None
        return cast(PresignedStore, only) if hasattr(only, "create_upload") else None

    def complete_upload(self, upload_id: str, etags: list[str], pin: str) -> Blob:
        """Keep what a client sent to the bucket by itself, verified and pinned as with `put`."""
        store = self.presigned
        if store is None:
            raise NotSupported("files are not kept in a bucket that takes uploads by itself")
        return store.complete_upload(upload_id, etags, before=partial(self._pin, store, pin))

    def _put_unmeasured(self, stream: IO[bytes], expect: str | None, pin: str) -> Blob:
        """The start of the stream waits on the disk until it is clear which side it belongs to."""
        assert self.embedded is not None
        folder = Path(tempfile.gettempdir())
        with full_disk_named(folder), tempfile.SpooledTemporaryFile(_IN_MEMORY) as start:
            held = 0
            while held <= EMBEDDED and (piece := stream.read(CHUNK)):
                held += start.write(piece)
            start.seek(0)
            begun = cast(IO[bytes], start)
            if held <= EMBEDDED:
                return self._put(self.embedded, begun, expect, pin)
            joined = cast(IO[bytes], Joined(iter((begun, stream))))
            return self._put(self.of(held), joined, expect, pin)

    def open(self, sha256: str, size: int) -> IO[bytes]:
        """A blob, verified as it is read."""
        first = self.of(size)
        try:
            return first.open(sha256)
        except FileMissing:
            for other in self.all():
                if other is not first and other.stat(sha256) is not None:
                    return other.open(sha256)
            raise

    def stat(self, sha256: str) -> Blob | None:
        """The blob, wherever it is."""
        store = self.holding(sha256)
        return None if store is None else store.stat(sha256)

    def holding(self, sha256: str) -> Store | None:
        """The store that has a blob: in a yard that was copied large ones may be inside, too."""
        return next((store for store in self.all() if store.stat(sha256) is not None), None)

    def all(self) -> Sequence[Store]:
        """Every store in use, for checks."""
        return [store for store in (self.embedded, self.outside) if store is not None]


class Joined(io.RawIOBase):
    """Streams one after another; each is closed by whoever opened it."""

    def __init__(self, streams: Iterator[IO[bytes]]) -> None:
        self._streams = streams
        self._now = next(streams, None)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        while self._now is not None:
            if piece := self._now.read(CHUNK if size < 0 else size):
                return piece
            self._now = next(self._streams, None)
        return b""
