"""Keep a saved object in a yard: its files and its card as blobs, and get it back as a source."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Protocol

from sqlalchemy import Connection, select

from modelyard.base.digests import FileEntry, sha256_bytes
from modelyard.objects.card import Card
from modelyard.objects.card_file import card_to_dict
from modelyard.objects.card_reader import card_from_plain
from modelyard.objects.files import ArtifactFiles
from modelyard.objects.saved import local_source
from modelyard.objects.source import Source
from modelyard.registry.tables import versions
from modelyard.stores.placing import Stores
from modelyard.stores.references import new_pin, release
from modelyard.stores.tables import blob_marks, blob_refs


@dataclass(frozen=True)
class Kept:
    """An object whose bytes are in the yard, not registered yet."""

    card: Card
    card_sha256: str
    digests: Sequence[str]
    """Everything it needs, for `refer`."""
    pin: str
    """Keeps gc off until it is registered; then `release` it."""


class Saver(Protocol):
    """Writes an object and its card to a path."""

    def __call__(self, path: Path) -> Card: ...


def keep(stores: Stores, source: Source) -> Kept:
    """Copy an object's files and card into the stores, each verified on the way."""
    pin = new_pin()
    for name, entry in zip(source.files.names(), source.card.artifact, strict=True):
        with source.files.open(name) as stream:
            stores.put(stream, entry.size, expect=entry.sha256, pin=pin)
    return keep_card(stores, source.card, pin)


def keep_card(stores: Stores, card: Card, pin: str | None = None) -> Kept:
    """Put the card; the files it names are there already. As JSON: nobody reads it by eye in there."""
    pin = pin or new_pin()
    text = json.dumps(card_to_dict(named_artifact(card))).encode()
    blob = stores.put(io.BytesIO(text), len(text), expect=sha256_bytes(text), pin=pin)
    return Kept(card, blob.sha256, [blob.sha256, *(f.sha256 for f in card.artifact)], pin)


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
        if stores.stat(entry.sha256) is None
    ]


def release_deleted(connection: Connection, before_ms: int) -> None:
    """Let go of the files of versions that were deleted. What was put since then is left alone: somebody may be about
    to register it, and refers to it before there is a version."""
    cards = {facts.get("card") for facts in connection.scalars(select(versions.c.facts))}
    digests = select(versions.c.digest).where(versions.c.digest.is_not(None))
    living = {f"model:sha256:{digest}" for digest in connection.scalars(digests)}
    mine = (blob_refs.c.owner > "model:sha256:", blob_refs.c.owner < "model:sha256;")
    with_ages = select(blob_refs.c.owner, blob_refs.c.digest, blob_marks.c.at_ms).join(
        blob_marks, blob_marks.c.digest == blob_refs.c.digest, isouter=True
    )
    for row in connection.execute(with_ages.where(*mine)):
        if row.digest in cards or row.at_ms is None or row.at_ms > before_ms:
            living.add(row.owner)
    owners = set(connection.scalars(select(blob_refs.c.owner).where(*mine).distinct()))
    for owner in sorted(owners - living):
        release(connection, owner)
