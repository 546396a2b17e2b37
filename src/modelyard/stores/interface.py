"""The contract of a blob store: bytes kept under the sha256 of their content.

A blob is put once and never changes; putting it again costs a hash and nothing else. A blob is visible only when
all its bytes are present and verified (P4), and `open` notices bytes that changed since (P5).

How to add one: write ``stores/<name>.py`` with a class that has these methods and ``SCHEMES`` (the URI schemes it
serves) and ``from_uri(uri)``, and a case file ``tests/cases/stores/<name>.py`` that makes an empty one and tells the
suite how to damage a blob behind its back. ``testing/stores.py`` holds the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Protocol


@dataclass(frozen=True, slots=True)
class Blob:
    """A stored blob: hex sha256 and size in bytes."""

    sha256: str
    size: int


Before = Callable[[Blob], None]
"""Told what a blob is when all its bytes are here, before anybody can see it or rely on it."""


class Store(Protocol):
    """What every store does."""

    def put(
        self, stream: IO[bytes], *, expect: str | None = None, before: Before | None = None
    ) -> Blob:
        """Keep the rest of a stream. With ``expect`` (hex), other content is `Corrupted` and nothing is kept.
        ``before`` is called ahead of the blob's appearing, or of finding it here: gc is kept off by then."""
        ...

    def open(self, sha256: str, *, verify: bool = True) -> IO[bytes]:
        """A readable, seekable stream. Absent: `FileMissing`. With ``verify``, damaged content is `Corrupted`, at the
        latest when the last byte is read, and no consumer that reads to the end takes it as good."""
        ...

    def stat(self, sha256: str) -> Blob | None:
        """The blob, or None when it is not (completely) here."""
        ...

    def list(self) -> Iterator[Blob]:
        """All complete blobs, in no order."""
        ...

    def delete(self, digests: Iterable[str]) -> int:
        """Remove blobs; absent ones are no error. Returns how many went."""
        ...

    def sweep(self, before_ms: int | None = None) -> int:
        """Remove what uploads left that died before that time (a day ago, if not given). Returns how many."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class PresignedUpload:
    """An upload that a client makes by itself: part ``n`` goes to ``urls[n]`` by PUT; all have ``part_size`` bytes but
    the last."""

    id: str
    urls: tuple[str, ...]
    part_size: int


class PresignedStore(Store, Protocol):
    """A store that lets clients transfer bytes without passing through us. What is completed is verified here before
    it is a blob, as with `Store.put`."""

    def create_upload(self, size: int, parts: int) -> PresignedUpload: ...

    def complete_upload(
        self,
        upload_id: str,
        etags: list[str],
        *,
        expect: str | None = None,
        before: Before | None = None,
    ) -> Blob: ...

    def abort_upload(self, upload_id: str) -> None: ...

    def download_url(self, sha256: str, *, filename: str = "download") -> str: ...
