"""Files behind a hub: what runs and logged models own, blobs to upload, and a cache of what was downloaded.

A server may be broken or hostile: the names it tells are checked as paths, and bytes are what their digest says or they
are not taken.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any, cast
from urllib.parse import quote

from modelyard.base.digests import FileEntry, sha256_stream
from modelyard.base.errors import Corrupted, FileMissing, InvalidInput, NotFound
from modelyard.base.hub_client import HubClient, path_of
from modelyard.base.paths import artifact_segments
from modelyard.stores import sending
from modelyard.stores.cache import blob_cache, cached, kept
from modelyard.stores.overlay import Listing, Walking, checked_owner
from modelyard.stores.tree import Entry

_MOST = 1000


class HttpArtifacts(Walking):
    """The files of runs and logged models behind a hub."""

    def __init__(self, client: HubClient) -> None:
        self._client = client

    def put(
        self,
        owner: str,
        path: str,
        stream: IO[bytes],
        size: int | None = None,
        expect: str | None = None,
    ) -> Entry:
        """Upload the rest of a stream as a file, instead of the one at this path. What arrives over there is checked
        against a digest made here."""
        artifact_segments(path)
        stream = _seekable(stream)
        digest, length = _measured(stream)
        if size is not None and size != length:
            raise InvalidInput(f"{path!r} has {length} bytes, not {size} as announced")
        if length >= sending.PARTS_FROM:
            owner = checked_owner(owner)
            told = sending.send_in_parts(
                self._client, owner, path, stream, length, expect or digest
            )
            return _entry(told)
        headers = {
            "content-type": "application/octet-stream",
            "content-length": str(length),
            "x-content-sha256": expect or digest,
        }
        told = self._client.call("PUT", _place(owner, path), content=stream, headers=headers)
        return _entry(told.json())

    def open(self, owner: str, path: str) -> IO[bytes]:
        """A file, seekable and verified; it is fetched when its content is not in the cache."""
        entry = self.file(owner, path)
        assert entry.sha256 is not None
        wanted = FileEntry(entry.path, entry.size, entry.sha256)
        return fetched(self._client, _place(owner, path), wanted)

    def stat(self, owner: str, path: str = "") -> Entry | None:
        if path:
            artifact_segments(path)
        place = ("artifact-facts", checked_owner(owner))
        try:
            told = self._client.ask("GET", *place, query={"path": path})
        except FileMissing:
            return None
        return _entry(told)

    def list(
        self, owner: str, folder: str = "", *, after: str | None = None, limit: int = _MOST
    ) -> Listing:
        if folder:
            artifact_segments(folder)
        query = {"folder": folder, "page": after, "limit": min(limit, _MOST)}
        found = self._client.ask("GET", "artifacts", checked_owner(owner), query=query)
        entries = tuple(_entry(told) for told in found["items"])
        for entry in entries:
            if entry.path.rpartition("/")[0] != folder:
                raise Corrupted(f"the hub lists {entry.path!r} in the folder {folder!r}")
        return Listing(entries, found["next"])

    def delete(self, owner: str, path: str = "") -> int:
        """Remove a file, or a folder with all that is in it; ``""`` is everything. Returns how many files went."""
        paths = [path] if path else [entry.path for entry in self.list(owner).entries]
        places = [_place(owner, one) for one in paths]
        return sum(int(self._client.call("DELETE", p).json()["count"]) for p in places)


def _place(owner: str, path: str) -> str:
    return (
        f"{path_of('artifacts', checked_owner(owner))}/{quote('/'.join(artifact_segments(path)))}"
    )


def _entry(told: Any) -> Entry:
    """An entry as a hub tells it. `InvalidPath` for a name that leaves its folder."""
    path = str(told["path"])
    if path:
        artifact_segments(path)
    return Entry(path, told["size"], told["sha256"], told.get("files", 1), told.get("at_ms", 0))


# Blobs


def upload(client: HubClient, entry: FileEntry, stream: IO[bytes]) -> None:
    """Put a file that the hub does not have yet."""
    with suppress(NotFound):
        client.ask("GET", "blobs", entry.sha256)
        return
    headers = {
        "content-type": "application/octet-stream",
        "content-length": str(entry.size),
    }
    place = path_of("blobs", entry.sha256)
    client.call("PUT", place, content=_seekable(stream), headers=headers)


def fetched(client: HubClient, place: str, entry: FileEntry) -> IO[bytes]:
    """A file behind a hub by its content: from the cache when it is there whole, else fetched, verified and kept."""
    cache = blob_cache()
    if (found := cached(cache, entry)) is not None:
        return found
    with client.download(place) as pieces:
        coming = cast(IO[bytes], _Coming(pieces, entry))
        cache.put(coming, expect=entry.sha256)
    return kept(cache, entry)


class BlobOpener:
    """Opens the files of a card that a hub keeps, each below a path of its own."""

    def __init__(self, client: HubClient, *place: str | int) -> None:
        self._client, self._place = client, path_of(*place)

    def open(self, entry: FileEntry) -> IO[bytes]:
        """A file, verified."""
        return fetched(self._client, f"{self._place}/{quote(entry.path)}", entry)


class _Coming(io.RawIOBase):
    """An answer as a stream that ends with an error when it is longer than was said."""

    def __init__(self, pieces: Iterator[bytes], entry: FileEntry) -> None:
        self._pieces, self._entry = pieces, entry
        self._held = b""
        self._taken = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        while not self._held and (piece := next(self._pieces, None)) is not None:
            self._held = piece
        if size is None or size < 0:
            size = len(self._held)
        part, self._held = self._held[:size], self._held[size:]
        self._taken += len(part)
        if self._taken > self._entry.size:
            raise Corrupted(
                f"the hub sends more than the {self._entry.size} bytes of {self._entry.path!r}"
            )
        return part


def _seekable(stream: IO[bytes]) -> IO[bytes]:
    """The stream, or a copy on the disk of one that cannot be read twice."""
    with suppress(AttributeError, OSError):
        if stream.seekable():
            return stream
    import shutil
    import tempfile

    copy = tempfile.TemporaryFile()  # noqa: SIM115  closed with its last reader
    shutil.copyfileobj(stream, copy)
    copy.seek(0)
    return copy


def _measured(stream: IO[bytes]) -> tuple[str, int]:
    start = stream.tell()
    digest, size = sha256_stream(stream)
    stream.seek(start)
    return digest, size
