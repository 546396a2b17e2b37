"""A source put together from files of this machine and from bytes, under names of our own choosing.

For importers: what another tool wrote lies in its own layout, and our formats ask for theirs.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from modelyard.base.digests import CHUNK, FileEntry, sha256_stream
from modelyard.base.errors import Corrupted, FileMissing
from modelyard.base.paths import open_below
from modelyard.objects.card import Card
from modelyard.objects.files import ArtifactFiles
from modelyard.objects.source import Source

ALONE = "artifact"
"""The inner name of a file that is the whole artifact."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A file below a folder, opened without following links. ``md5`` is what its own tool noted down, or empty."""

    root: Path
    path: str
    md5: str = ""

    def open(self) -> IO[bytes]:
        return open_below(self.root, self.path)

    def require(self, label: str) -> None:
        """`FileMissing` that says who names the file."""
        try:
            self.open().close()
        except FileMissing:
            raise FileMissing(
                f"{label} names the file {self.path!r}, which is not in {self.root}",
                hint="bring it back (dvc pull, when DVC keeps it), or save the object again",
            ) from None


Pieces = Mapping[str, Piece | bytes]
"""Inner name (`ALONE` for one that is the whole artifact) -> where its bytes are."""


def assemble(card: Card, pieces: Pieces, name: str, label: str) -> Source:
    """A source of these pieces; `Corrupted` when one is not what its own tool noted down."""
    alone = list(pieces) == [ALONE]
    entries: dict[FileEntry, Piece | bytes] = {}
    for inner, piece in pieces.items():
        sha256, size = _digest(piece, label)
        entries[FileEntry(name if alone else f"{name}/{inner}", size, sha256)] = piece
    opener = _PieceOpener({entry.path: piece for entry, piece in entries.items()})
    files = ArtifactFiles(tuple(entries), opener, label)
    return Source(card.but(artifact=tuple(entries)), files, name=name, ref=label)


class _PieceOpener:
    def __init__(self, pieces: Mapping[str, Piece | bytes]) -> None:
        self._pieces = pieces

    def open(self, entry: FileEntry) -> IO[bytes]:
        return _opened(self._pieces[entry.path])


def _opened(piece: Piece | bytes) -> IO[bytes]:
    return io.BytesIO(piece) if isinstance(piece, bytes) else piece.open()


def _digest(piece: Piece | bytes, label: str) -> tuple[str, int]:
    if isinstance(piece, Piece):
        piece.require(label)
    if isinstance(piece, bytes) or not piece.md5:
        with _opened(piece) as stream:
            return sha256_stream(stream)
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with piece.open() as stream:
        while chunk := stream.read(CHUNK):
            sha256.update(chunk)
            md5.update(chunk)
            size += len(chunk)
    if md5.hexdigest() != piece.md5.lower():
        raise Corrupted(
            f"{label}: the file {piece.path!r} is not what its description says "
            f"(md5 {md5.hexdigest()}, expected {piece.md5})",
            hint="it was changed or damaged after saving: restore it, or save the object again",
        )
    return sha256.hexdigest(), size
