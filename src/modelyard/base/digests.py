"""Content ids: sha256 of bytes, of a set of files, and of anything JSON can say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

CHUNK = 1 << 20
"""Bytes read at a time: one megabyte, the size of a chunk in the embedded store too."""


@dataclass(frozen=True, slots=True, order=True)
class FileEntry:
    """One file of an artifact: POSIX path relative to its root, size in bytes, sha256 in hex."""

    path: str
    size: int
    sha256: str


def sha256_bytes(data: bytes) -> str:
    """The bare hex digest."""
    return hashlib.sha256(data).hexdigest()


def sha256_stream(stream: IO[bytes]) -> tuple[str, int]:
    """Hex digest and length of what is left in a stream."""
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


def sha256_file(path: Path) -> tuple[str, int]:
    """Hex digest and size of a file."""
    with path.open("rb") as stream:
        return sha256_stream(stream)


def blob_id(hex_digest: str) -> str:
    """How a digest is written wherever a person or another system sees it.

    >>> blob_id("5f0c")
    'sha256:5f0c'
    """
    return f"sha256:{hex_digest}"


def canonical_json(value: Any) -> bytes:
    """The one spelling that digests are taken of: sorted keys, no blanks, ASCII escapes, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode()


def artifact_digest(files: Iterable[FileEntry]) -> str:
    """``sha256:…`` of the canonical, sorted list of an artifact's files."""
    rows = [{"path": f.path, "size": f.size, "sha256": f.sha256} for f in sorted(files)]
    return blob_id(sha256_bytes(canonical_json(rows)))
