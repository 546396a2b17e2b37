"""Keep a saved object in a yard: its files and its card as blobs, and get it back as a source."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Protocol

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from modelyard.base.digests import FileEntry, sha256_bytes
from modelyard.base.errors import Overloaded
from modelyard.objects.card import Card
from modelyard.objects.card_file import card_to_dict
from modelyard.objects.card_reader import card_from_plain
from modelyard.objects.files import ArtifactFiles
from modelyard.objects.source import Source, local_source
from modelyard.stores.interface import Blob, Store
from modelyard.stores.local import LocalStore
from modelyard.stores.rows.engine import Database
from modelyard.stores.sql import SqlStore
from modelyard.stores.tables import blob_refs

EMBEDDED = 64 << 20
"""Files up to this size are kept inside the database, larger ones in a folder beside it."""


class Stores:
    """Where a yard keeps bytes: small ones embedded, large ones in a folder; or all in a folder that was named."""

    def __init__(self, database: Database, folder: Path | None, *, embed: bool) -> None:
        self._embedded: Store | None = SqlStore(database) if embed else None
        self._make_folder: Callable[[], Store] | None = (
            (lambda: LocalStore(folder)) if folder else None
        )
        self._folder: Store | None = None

    def of(self, size: int) -> Store:
        """The store for a blob of that size."""
        if self._embedded is not None and (size <= EMBEDDED or self._make_folder is None):
            return self._embedded
        if self._folder is None and self._make_folder is not None:
            self._folder = self._make_folder()
        assert self._folder is not None
        return self._folder

    def put(self, stream: IO[bytes], size: int, *, expect: str | None = None) -> Blob:
        return self.of(size).put(stream, expect=expect)

    def open(self, sha256: str, size: int) -> IO[bytes]:
        return self.of(size).open(sha256)

    def stat(self, sha256: str) -> Blob | None:
        """A blob of unknown size, where it is."""
        return next((b for s in self.all() if (b := s.stat(sha256)) is not None), None)

    def all(self) -> Sequence[Store]:
        """Every store in use, for checks."""
        if self._make_folder is not None and self._folder is None:
            self._folder = self._make_folder()
        return [s for s in (self._embedded, self._folder) if s is not None]


@dataclass(frozen=True)
class Kept:
    """An object whose bytes are in the yard, not registered yet."""

    card: Card
    card_sha256: str
    digests: Sequence[str]
    """Everything it needs, for `refer`."""


class Saver(Protocol):
    """Writes an object and its card to a path."""

    def __call__(self, path: Path) -> Card: ...


def keep(stores: Stores, source: Source) -> Kept:
    """Copy an object's files and card into the stores, each verified on the way."""
    for name, entry in zip(source.files.names(), source.card.artifact, strict=True):
        with source.files.open(name) as stream:
            stores.put(stream, entry.size, expect=entry.sha256)
    return keep_card(stores, source.card)


def keep_card(stores: Stores, card: Card) -> Kept:
    """Put the card; the files it names are there already. As JSON: nobody reads it by eye in there."""
    text = json.dumps(card_to_dict(named_artifact(card))).encode()
    blob = stores.put(io.BytesIO(text), len(text), expect=sha256_bytes(text))
    return Kept(card, blob.sha256, [blob.sha256, *(f.sha256 for f in card.artifact)])


def named_artifact(card: Card) -> Card:
    """The card as a yard stores it: the artifact is called ``artifact``, whatever its file was called."""
    entries = tuple(replace(e, path=_renamed(e)) for e in card.artifact)
    return card.but(artifact=entries, path="")


def _renamed(entry: FileEntry) -> str:
    rest = entry.path.partition("/")[2]
    return f"artifact/{rest}" if rest else "artifact"


@contextmanager
def saved_for_yard(save: Saver) -> Any:
    """A live object written to a folder of its own for the moment; gives its source."""
    with tempfile.TemporaryDirectory(prefix="modelyard-") as folder:
        path = Path(folder, "object")
        save(path)
        yield local_source(path)


class _StoreOpener:
    """Files of an artifact by their content."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def open(self, entry: FileEntry) -> IO[bytes]:
        return self._stores.open(entry.sha256, entry.size)


def kept_card(stores: Stores, sha256: str, label: str) -> Card:
    """The card of a kept object."""
    with stores.open(sha256, 0) as stream:
        return card_from_plain(json.loads(stream.read()), label)


def kept_files(stores: Stores, card: Card, label: str) -> ArtifactFiles:
    """The verified files of a kept object."""
    return ArtifactFiles(card.artifact, _StoreOpener(stores), label)


def missing_files(stores: Stores, card: Card, label: str) -> list[str]:
    """Files of a kept card that are not in the stores, a line each."""
    return [
        f"{label}: its file {entry.path!r} (sha256 {entry.sha256[:12]}…) is missing"
        for entry in card.artifact
        if stores.of(entry.size).stat(entry.sha256) is None
    ]


def refer(connection: Connection, owner: str, digests: Sequence[str]) -> None:
    """Record that ``owner`` needs these blobs, in the caller's transaction. `Overloaded` when others do so at once."""
    known = set(connection.scalars(select(blob_refs.c.digest).where(blob_refs.c.owner == owner)))
    rows = [{"owner": owner, "digest": d} for d in dict.fromkeys(digests) if d not in known]
    if not rows:
        return
    try:
        connection.execute(insert(blob_refs), rows)
    except IntegrityError as error:
        raise Overloaded(f"others are adding what {owner} needs", transient=True) from error


def release(connection: Connection, owner: str) -> None:
    """Record that ``owner`` needs nothing any more; gc takes what nobody needs."""
    connection.execute(delete(blob_refs).where(blob_refs.c.owner == owner))
