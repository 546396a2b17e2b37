"""Blobs in this process's memory: the twin of the real stores, for tests and for what need not last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO

from modelyard.base.digests import sha256_bytes
from modelyard.base.errors import FileMissing
from modelyard.stores.interface import Before, Blob
from modelyard.stores.putting import checked, matched, told, whole_chunks
from modelyard.stores.verifying import reader

SCHEMES = ("memory",)


def from_uri(uri: str) -> MemoryStore:
    """A new, empty store; what follows ``memory://`` means nothing."""
    return MemoryStore()


class MemoryStore:
    """A dictionary from digest to bytes. Threads may share it."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}

    def put(
        self, stream: IO[bytes], *, expect: str | None = None, before: Before | None = None
    ) -> Blob:
        content = b"".join(whole_chunks(stream))
        digest = sha256_bytes(content)
        matched(digest, expect)
        blob = Blob(digest, len(content))
        told(before, blob)
        self._blobs[digest] = content
        return blob

    def open(self, sha256: str, *, verify: bool = True) -> IO[bytes]:
        content = self._blobs.get(checked(sha256))
        if content is None:
            raise FileMissing(f"no blob sha256:{sha256} in memory")
        return reader(_Held(content), sha256, "memory", verify=verify)

    def stat(self, sha256: str) -> Blob | None:
        content = self._blobs.get(checked(sha256))
        return None if content is None else Blob(sha256, len(content))

    def list(self) -> Iterator[Blob]:
        yield from [Blob(digest, len(content)) for digest, content in self._blobs.items()]

    def delete(self, digests: Iterable[str]) -> int:
        gone = [self._blobs.pop(checked(digest), None) for digest in digests]
        return sum(content is not None for content in gone)

    def sweep(self, before_ms: int | None = None) -> int:
        return 0

    def close(self) -> None:
        self._blobs.clear()


class _Held:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size = len(content)

    def at(self, position: int, length: int) -> bytes:
        return self._content[position : position + length]

    def close(self) -> None: ...
