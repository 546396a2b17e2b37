"""The user's cache of files that were fetched, by their content: a file that is here whole is not fetched again."""

from __future__ import annotations

from typing import IO

from modelyard.base.digests import FileEntry, sha256_stream
from modelyard.base.project import cache_bytes, cache_dir
from modelyard.stores.local import LocalStore


def blob_cache() -> LocalStore:
    """Where fetched files are kept."""
    return LocalStore(cache_dir() / "blobs")


def cached(cache: LocalStore, entry: FileEntry) -> IO[bytes] | None:
    """A file that is in the cache whole, just verified; one that was damaged there goes."""
    if cache.stat(entry.sha256) is None:
        return None
    with cache.open(entry.sha256, verify=False) as stream:
        if sha256_stream(stream) == (entry.sha256, entry.size):
            cache.touch(entry.sha256)
            return cache.open(entry.sha256)
    cache.delete([entry.sha256])
    return None


def kept(cache: LocalStore, entry: FileEntry) -> IO[bytes]:
    """A file that was put there a moment ago; what was not used for longest makes room for it."""
    opened = cache.open(entry.sha256)
    cache.prune(cache_bytes(), keep=entry.sha256)
    return opened
