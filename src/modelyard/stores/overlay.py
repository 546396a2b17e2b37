"""Files of runs and logged models: a path that may change, over blobs that do not.

An owner is a text such as ``run:<id>`` or ``model:m-<id>``. A file appears whole and verified or not at all, in one
transaction that also writes the reference that keeps gc off its blob. Paths are checked by `artifact_segments` alone.

>>> import io
>>> from modelyard.stores.rows import connect
>>> with connect("sqlite://") as database:
...     files = Artifacts(database)
...     put = files.put("run:1", "plots/roc.svg", io.BytesIO(b"<svg/>"))
...     [(entry.path, entry.size) for entry in files.list("run:1", "plots").entries]
[('plots/roc.svg', 6)]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO

from sqlalchemy import Connection, select

from modelyard.base.digests import FileEntry, artifact_digest
from modelyard.base.errors import FileMissing, InvalidInput
from modelyard.base.paths import artifact_segments
from modelyard.stores import tree
from modelyard.stores.interface import Blob
from modelyard.stores.placing import Stores
from modelyard.stores.references import new_pin, release
from modelyard.stores.rows.engine import Database
from modelyard.stores.tables import artifacts, blob_refs
from modelyard.stores.tree import Entry, Segments

__all__ = ["Artifacts", "Entry", "Listing", "checked_owner"]

_OWNER = re.compile(r"[a-z]+:[A-Za-z0-9_.-]{1,120}")
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a folder. ``after`` is where the next one begins, None when this is the last."""

    entries: tuple[Entry, ...]
    after: str | None


class Artifacts:
    """The files of all owners of one database. Threads and processes may share it."""

    def __init__(self, database: Database, stores: Stores | None = None) -> None:
        self.database = database
        self.stores = stores or Stores(database, None, embed=True)

    def put(
        self,
        owner: str,
        path: str,
        stream: IO[bytes],
        size: int | None = None,
        expect: str | None = None,
    ) -> Entry:
        """Keep the rest of a stream as a file, instead of the one at this path. A length or sha256 that was announced
        is checked (`InvalidInput`, `DigestMismatch`); `Conflict` where a folder is in the way."""
        owner, segments = checked_owner(owner), artifact_segments(path)
        with self.database.read() as connection:  # refused before the bytes are taken in
            tree.require_free(connection, owner, segments)
        pin = new_pin()
        blob = self.stores.put(stream, size, expect=expect, pin=pin)
        return self.database.transact(partial(place_pinned, owner, segments, blob, pin))

    def put_blob(self, owner: str, path: str, blob: Blob, pin: str | None = None) -> Entry:
        """Name a blob that is in the stores already, and release the ``pin`` it was put with."""
        if self.stores.stat(blob.sha256) != blob:
            raise FileMissing(f"no blob sha256:{blob.sha256} of {blob.size} bytes")
        owner, segments = checked_owner(owner), artifact_segments(path)
        named = partial(place_pinned, owner, segments, blob, pin or new_pin())
        return self.database.transact(named)

    def open(self, owner: str, path: str) -> IO[bytes]:
        """A file, seekable, verified as it is read: `Corrupted` at the latest with the last byte."""
        entry = self.file(owner, path)
        assert entry.sha256 is not None
        return self.stores.open(entry.sha256, entry.size)

    def file(self, owner: str, path: str) -> Entry:
        """The file at a path; `FileMissing` when there is none, or a folder."""
        entry = self.stat(owner, path)
        if entry is None or entry.is_folder:
            what = "a folder, not a file," if entry else "nothing"
            raise FileMissing(f"{owner} has {what} at {path!r}")
        return entry

    def stat(self, owner: str, path: str = "") -> Entry | None:
        """The file or folder at a path, or None; ``""`` is the root, with the sums of everything."""
        owner, segments = checked_owner(owner), folder_segments(path)
        with self.database.read() as connection:
            return tree.find(connection, owner, segments)

    def list(
        self, owner: str, folder: str = "", *, after: str | None = None, limit: int = _PAGE
    ) -> Listing:
        """Files and folders of one folder, by name, a page at a time; nothing there is an empty page."""
        if not 1 <= limit <= 10_000:
            raise InvalidInput(f"limit={limit}: from 1 to 10,000 entries make a page")
        owner, segments = checked_owner(owner), folder_segments(folder)
        with self.database.read() as connection:
            found = tree.page(connection, owner, segments, after, limit + 1)
        more = len(found) > limit
        return Listing(tuple(found[:limit]), found[limit - 1].name if more else None)

    def walk(self, owner: str, folder: str = "") -> Iterator[Entry]:
        """All files at or below a path; the files of a folder by name, each folder where its name belongs."""
        found = self.stat(owner, folder)
        if found is not None and not found.is_folder:
            yield found
            return
        after: str | None = None
        while True:
            page = self.list(owner, folder, after=after)
            for entry in page.entries:
                if entry.is_folder:
                    yield from self.walk(owner, entry.path)
                else:
                    yield entry
            if (after := page.after) is None:
                return

    def delete(self, owner: str, path: str = "") -> int:
        """Remove a file, or a folder with all that is in it; ``""`` is everything. Returns how many files went."""
        owner, segments = checked_owner(owner), folder_segments(path)
        return self.database.transact(lambda c: tree.remove(c, owner, segments))

    def copy(self, source: str, target: str, path: str = "", to: str | None = None) -> int:
        """Give another owner the files at or below a path (at ``to``, if given) without copying bytes. All of them
        or none; returns how many."""
        source, target = checked_owner(source), checked_owner(target)
        segments = folder_segments(path)
        place = segments if to is None else folder_segments(to)
        return self.database.transact(lambda c: tree.duplicate(c, source, segments, target, place))

    def files(self, owner: str, folder: str = "") -> list[FileEntry]:
        """All files below a folder, at one moment, with paths seen from it: what a card lists."""
        owner, segments = checked_owner(owner), folder_segments(folder)
        with self.database.read() as connection:
            found = list(tree.files_below(connection, owner, segments))
        start = len(folder) + 1 if folder and not _is_file(found, folder) else 0
        return sorted(
            FileEntry(entry.path[start:], entry.size, entry.sha256)
            for entry in found
            if entry.sha256
        )

    def digest(self, owner: str, folder: str = "") -> str:
        """The content id of a folder: of the paths, sizes and digests of its files."""
        return artifact_digest(self.files(owner, folder))

    def problems(self) -> Iterator[str]:
        """Files whose bytes are missing, a line each. Damaged bytes are found by reading the stores."""
        query = select(artifacts).where(artifacts.c.digest.is_not(None))
        order = (artifacts.c.owner, artifacts.c.folder_key, artifacts.c.name)
        with self.database.read() as connection:
            rows = connection.execution_options(yield_per=_PAGE).execute(query.order_by(*order))
            for row in rows:
                if self.stores.stat(row.digest) is None:
                    yield f"{row.owner}: its file {tree.entry_of(row).path!r} is missing"

    def users(self, sha256: str, limit: int = 3) -> list[str]:
        """Who has a blob, as ``owner: path`` where it is a file: some of them, for messages."""
        files = select(artifacts).where(artifacts.c.digest == sha256).limit(limit)
        owners = select(blob_refs.c.owner).where(blob_refs.c.digest == sha256).limit(limit)
        with self.database.read() as connection:
            rows = connection.execute(files).all()
            named = [f"{row.owner}: {tree.entry_of(row).path}" for row in rows]
            return named or list(connection.scalars(owners))


def place_pinned(
    owner: str, segments: Segments, blob: Blob, pin: str, connection: Connection
) -> Entry:
    """Give a blob its path and its reference, and let go of the pin, at once."""
    entry = tree.place(connection, owner, segments, blob)
    release(connection, pin)
    return entry


def checked_owner(owner: str) -> str:
    """The owner itself, or `InvalidInput`."""
    if not _OWNER.fullmatch(owner):
        raise InvalidInput(f"{owner[:80]!r} cannot own files; as in run:<id>")
    return owner


def folder_segments(path: str) -> Segments:
    """The segments of a path; ``""`` is the root."""
    return artifact_segments(path) if path else ()


def _is_file(found: list[Entry], path: str) -> bool:
    return len(found) == 1 and found[0].path == path
