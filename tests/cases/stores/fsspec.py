"""A root of fsspec: damage is an object written anew with one bit changed."""

from __future__ import annotations

from modelyard.stores.fsspec import FsspecStore, from_uri
from modelyard.testing.stores import Bench


def bench(uri: str) -> Bench:
    """In memory, in a folder, or in a bucket."""
    store = from_uri(uri)

    def damage(digest: str, place: int) -> None:
        path = store.place(digest)
        data = bytearray(store.filesystem.cat_file(path))
        data[place] ^= 1
        store.filesystem.pipe_file(path, bytes(data))

    def leftovers() -> int:
        return unfinished(store)

    return Bench(store, lambda: from_uri(uri), damage, leftovers)


def unfinished(store: FsspecStore) -> int:
    """Pieces of uploads, and on S3 the uploads whose parts are not joined."""
    store.filesystem.invalidate_cache()
    folder = f"{store.root}/uploads"
    pieces = store.filesystem.ls(folder) if store.filesystem.exists(folder) else []
    parts: list[object] = []
    if hasattr(store.filesystem, "call_s3"):
        bucket = store.root.partition("/")[0]
        parts = store.filesystem.call_s3("list_multipart_uploads", Bucket=bucket).get("Uploads", [])
    return len(pieces) + len(parts)
